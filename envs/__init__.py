"""Games as gymnax environments, their scripted players, and the views other libraries use."""
