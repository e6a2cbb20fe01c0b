"""What is promised of a whole Home Assistant, tried on one."""
