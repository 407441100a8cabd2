"""An actor-critic in PyTorch as a plug-in of polax."""
