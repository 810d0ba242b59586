#!/bin/sh
# Run by LocalStack once it is ready: the queues as docs/TECHNICAL.md says, each with a
# dead-letter queue, and the bucket of blobs. Running it again changes nothing.
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

# bucket <name>: versioned, as on AWS, and open to pages in development; the origins are those
# of config/dev.toml. Any header: LocalStack knows no part of a name such as x-amz-*.
bucket() {
  awslocal s3api head-bucket --bucket "$1" 2>/dev/null || awslocal s3 mb "s3://$1"
  awslocal s3api put-bucket-versioning --bucket "$1" --versioning-configuration Status=Enabled
  awslocal s3api put-bucket-cors --bucket "$1" --cors-configuration '{"CORSRules": [{
    "AllowedOrigins": [
      "http://localhost:3000", "http://localhost:4200", "http://localhost:5173",
      "http://127.0.0.1:3000", "http://127.0.0.1:4200", "http://127.0.0.1:5173"],
    "AllowedMethods": ["PUT", "GET", "HEAD"],
    "AllowedHeaders": ["*"]}]}'
}

bucket glassbox-blobs
queue agent 4 10
# The last one: the container is healthy once it is there.
queue file 14 100
