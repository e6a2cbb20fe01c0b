"""What all entities of a printer have in common."""

from collections.abc import Collection
from typing import ClassVar, override

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity
from homeassistant.util import slugify

from .const import DOMAIN, is_live_key
from .coordinator import PrinterCoordinator


class PrinterEntity(CoordinatorEntity[PrinterCoordinator]):
    """An entity of a printer, written when what it shows has changed."""

    _attr_has_entity_name = True
    platform_name: ClassVar[Platform]

    def __init__(self, coordinator: PrinterCoordinator, description: EntityDescription) -> None:
        """Name the entity after its description's key: its id is in English in every language, for dashboards and recipes."""
        super().__init__(coordinator)
        self.entity_description = description
        self.entity_id = f"{self.platform_name}.{coordinator.object_id}_{slugify(description.key)}"
        self._attr_translation_key = description.translation_key or description.key
        self._attr_unique_id = f"{coordinator.printer_id}_{description.key}"
        self._attr_device_info = coordinator.device_info
        self._needs_live = is_live_key(description.key)
        self._attr_available = self._is_available()
        self._update()

    @property
    @override
    def available(self) -> bool:
        """Whether the entity can be believed, or used."""
        return self._attr_available

    def _is_available(self) -> bool:
        """Return True unless the entity shows what the printer says of itself, and it says nothing."""
        return not self._needs_live or self.coordinator.data.live is not None

    def _update(self) -> bool:
        """Read what the entity shows from the printer's view; return whether it has changed."""
        return False

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the entity only where it shows something else than before."""
        was_available, self._attr_available = self._attr_available, self._is_available()
        if self._update() or self._attr_available is not was_available:
            self.async_write_ha_state()


@callback
def async_get_targeted(
    hass: HomeAssistant, entity_ids: Collection[str], named: Collection[str], domain: str, key: str
) -> list[er.RegistryEntry]:
    """Return the entities of a kind in a target; where another entity of their printer is named, that means them as well."""
    registry = er.async_get(hass)
    entities = [entity for id_ in entity_ids if (entity := registry.async_get(id_)) and entity.platform == DOMAIN]
    devices = {entity.device_id for entity in entities if entity.entity_id in named and entity.device_id}
    for device_id in devices:
        entities += er.async_entries_for_device(registry, device_id)
    kind = (DOMAIN, domain, key)
    return [entity for entity in entities if (entity.platform, entity.domain, entity.translation_key) == kind]
