#!/usr/bin/env bash
# Run in a step of a GitHub workflow: gives this job the AWS role $1 in region $2, by the
# workflow's own identity token. The AWS tools read the variables and sign in by
# themselves, so nothing of others' makes or sees a key.
set -euo pipefail

token=$(mktemp "$RUNNER_TEMP/aws.XXXXXX")
curl --fail --silent --show-error --retry 3 \
  --header "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
  "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" \
  | python3 -c 'import json, sys; print(json.load(sys.stdin)["value"], end="")' >"$token"
{
  printf 'AWS_WEB_IDENTITY_TOKEN_FILE=%s\n' "$token"
  printf 'AWS_ROLE_ARN=%s\n' "$1"
  printf 'AWS_ROLE_SESSION_NAME=github-%s\n' "$GITHUB_RUN_ID"
  printf 'AWS_REGION=%s\nAWS_DEFAULT_REGION=%s\n' "$2" "$2"
} >>"$GITHUB_ENV"
AWS_WEB_IDENTITY_TOKEN_FILE=$token AWS_ROLE_ARN=$1 AWS_DEFAULT_REGION=$2 aws sts get-caller-identity
