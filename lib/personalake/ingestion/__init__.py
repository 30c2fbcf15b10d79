"""What arrived? Source adapters, contracts, and parsing raw payloads into typed rows."""
