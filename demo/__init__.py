"""The demo: fictional organisations, each of which shows one thing."""
