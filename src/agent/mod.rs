//! The agent worker: leases executions and drives them step by step.
