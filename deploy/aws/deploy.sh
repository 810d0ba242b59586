#!/usr/bin/env bash
# Brings environment $1 to the stacks of this checkout and to the image of commit $2.
# `migrate` runs inside, before any service is changed; a service that does not come up
# takes its old version back, and then this fails.
set -euo pipefail

env=$1
tag=$2
cd "$(dirname "${BASH_SOURCE[0]}")/../cdk"
# All but the delivery, which an administrator makes.
stacks=()
for stack in network database cache storage messaging auth compute monitoring; do
  stacks+=("glassbox-$env-$stack")
done
npx cdk deploy "${stacks[@]}" --context "env=$env" --no-notices --require-approval never \
  --concurrency 4 --parameters "glassbox-$env-compute:ImageTag=$tag"
