"""Little more than the job: fourteen plain entities written and one event fired per notification."""
