#!/usr/bin/env bash
# Prints the commit that environment $1 runs; nothing where it was never deployed.
set -euo pipefail

aws cloudformation describe-stacks --stack-name "glassbox-$1-compute" --output text \
  --query "Stacks[0].Parameters[?ParameterKey=='ImageTag'].ParameterValue" 2>/dev/null || true
