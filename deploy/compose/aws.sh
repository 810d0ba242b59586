#!/bin/sh
# Run by LocalStack once it is ready: the queues as docs/TECHNICAL.md says, each with a
# dead-letter queue, and a bucket. Running it again changes nothing.
set -eu

ACCOUNT=000000000000

# queue <name> <days that messages are kept> <times that one is handed out>
queue() {
  awslocal sqs create-queue --queue-name "$1-dead" --attributes MessageRetentionPeriod=1209600
  dead="arn:aws:sqs:$AWS_DEFAULT_REGION:$ACCOUNT:$1-dead"
  awslocal sqs create-queue --queue-name "$1" --attributes "$(
    printf '{"MessageRetentionPeriod":"%d","RedrivePolicy":"{\\"deadLetterTargetArn\\":\\"%s\\",\\"maxReceiveCount\\":\\"%d\\"}"}' \
      $(($2 * 86400)) "$dead" "$3"
  )"
}

awslocal s3api head-bucket --bucket glassbox-blobs 2>/dev/null || awslocal s3 mb s3://glassbox-blobs
queue agent 4 10
# The last one: the container is healthy once it is there.
queue file 14 100
