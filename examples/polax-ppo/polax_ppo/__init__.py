"""Independent PPO as a plug-in of polax."""
