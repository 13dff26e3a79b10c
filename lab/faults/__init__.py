"""The fault laboratory: real processes, a fault in mid-flight, and a ledger afterwards."""
