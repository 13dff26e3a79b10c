"""What demo, tests and benchmarks share: embedded servers, processes, a stand-in provider, a leak scan."""
