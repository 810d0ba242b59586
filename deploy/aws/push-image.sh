#!/usr/bin/env bash
# Builds the image of commit $2 and puts it into the repository of environment $1, with
# provenance and a list of what is in it (SBOM) beside it. Does nothing where it is
# already: a tag is a commit, and never changes.
set -euo pipefail

name=glassbox-$1
tag=$2
if aws ecr describe-images --repository-name "$name" --image-ids "imageTag=$tag" >/dev/null 2>&1; then
  printf 'The image %s:%s is there already.\n' "$name" "$tag"
  exit 0
fi
registry=$(aws ecr describe-repositories --repository-names "$name" \
  --query 'repositories[0].repositoryUri' --output text)
aws ecr get-login-password | docker login --username AWS --password-stdin "${registry%%/*}"
# The default builder can't attach attestations.
docker buildx inspect glassbox >/dev/null 2>&1 || docker buildx create --name glassbox
docker buildx build --builder glassbox --platform linux/amd64 \
  --provenance=mode=max --sbom=true --build-arg "REVISION=$tag" \
  --tag "$registry:$tag" --push .
