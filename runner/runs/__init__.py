"""What a run is on disk: spec, folder, metrics, checkpoints, manifest. May import `training` and `evaluation`."""
