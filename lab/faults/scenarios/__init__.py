"""What can go wrong. Each scenario is a function that lets it go wrong while messages flow."""

from lab.faults.scenarios.broker import BROKER
from lab.faults.scenarios.network import NETWORK
from lab.faults.scenarios.operators import OPERATORS
from lab.faults.scenarios.processes import PROCESSES
from lab.faults.scenarios.provider import PROVIDER
from lab.faults.scenarios.store import STORE
from lab.faults.scenarios.versions import VERSIONS

SCENARIOS = (*PROCESSES, *STORE, *BROKER, *NETWORK, *PROVIDER, *OPERATORS, *VERSIONS)
