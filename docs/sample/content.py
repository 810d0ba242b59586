"""The words of the sample document: a post-incident review of a company that does not exist.

Each page holds facts that another page needs, so that a good answer must quote
from several. The figures agree with each other; `build.py` checks the sums.
"""

TITLE = "Post-Incident Review INC-0417: Metadata Outage in Region nw-1"
COMPANY = "Lanternfish Storage"
AUTHOR = "Lanternfish Storage, Reliability Engineering"
RUNNING_HEAD = "Lanternfish Storage · Post-Incident Review INC-0417"

KEY_FACTS = [
    ("Date", "Tuesday, 3 February 2026; all times are UTC"),
    ("Duration", "4 hours 8 minutes, from 09:12 to 13:20 (248 minutes)"),
    ("Severity", "SEV-1, declared at 09:38"),
    ("Region", "nw-1; regions nw-2 and se-1 were not affected"),
    ("Customers affected", "1,284 of 3,410 active customers (37.7%)"),
    ("Requests failed", "47.9 million of 61.4 million (78.0%)"),
    ("Data lost", "None"),
    ("SLA credits and goodwill", "USD 199,480"),
    ("Incident commander", "Tomasz Wren"),
    ("Review held", "10 February 2026; this report is dated 12 February 2026"),
]

SUMMARY = [
    "On 3 February 2026 the object storage service in region nw-1 was unavailable to many customers for 4 hours and 8 minutes. A configuration change, CHG-2291, raised the number of compaction workers in the metadata service from 4 to 32 on all nine metadata nodes at the same moment. The added disk load slowed the write-ahead log so much that the leaders of all three metadata clusters could not renew their leases, and the clusters spent the morning electing leaders instead of answering requests.",
    "Objects themselves were never at risk: the storage nodes that hold them kept running, and no data was lost. But without metadata no object can be found, so reads, writes and listings failed alike. At the worst hour, between 10:00 and 11:00, 92% of all requests failed.",
    "The change was found at 10:27 and could have been undone within minutes. It was not, because the configuration service keeps its own state in the metadata service that it was meant to repair. Recovery had to be done by hand, node by node, and was then set back by a wave of client retries. We treat this circular dependency, rather than the change itself, as the most important lesson of the incident.",
]

BACKGROUND = [
    "Region nw-1 serves 3,410 active customers at about 2,900 requests per second on a weekday morning. A request first reaches a gateway, which authenticates it and asks the metadata service where the object lies. Only then does the gateway talk to the storage nodes.",
    "The metadata service consists of three clusters, meta-a, meta-b and meta-c. Each cluster holds one third of the key space on three replicas, one in each availability zone, which makes nine nodes. Within a cluster one replica is the leader. It must renew its lease every 1.5 seconds by writing to its write-ahead log; if it fails to, the other replicas elect a new leader, and requests to that third of the key space wait until they have.",
    "Deleted and overwritten entries are removed by compaction, a background job that reads old log segments and writes shorter ones. Compaction and the write-ahead log share one disk on every node. Since the service was launched in 2021, compaction has run with 4 workers per node.",
]

WHY_CHANGED = [
    "Storage growth had outpaced compaction since December 2025: on 2 February the backlog stood at 11.8 terabytes, up from 3.1 terabytes at the end of November. The capacity team forecast that the metadata disks would reach 85% by the end of February. CHG-2291 was written to clear the backlog in two nights, with 32 workers per node.",
    "The change was tested in the staging region on 30 January. Staging has the same hardware but 0.4% of the production load, and its write-ahead log showed no slowdown. The change was reviewed by one engineer and approved on 2 February at 16:40.",
]

PEOPLE = [
    ("Role", "Person", "Joined (UTC)"),
    ("Engineer on call, metadata service", "Ines Calder", "3 Feb, 09:31"),
    ("Incident commander", "Tomasz Wren", "3 Feb, 09:38"),
    ("Communication; Head of Reliability", "Helen Achterberg", "3 Feb, 09:41"),
    ("Storage engineering", "Marek Oduya", "3 Feb, 09:44"),
    ("Platform; owner of the deployment tool", "Priya Natarajan", "3 Feb, 10:30"),
    ("Gateways", "Sofia Lindqvist", "3 Feb, 12:20"),
    ("Finance; credits", "Daniel Osei", "4 Feb, 08:00"),
]

TIMELINE = [
    ("09:12", "CHG-2291 reaches all nine metadata nodes within 20 seconds. The share of failed requests passes 1%: the incident begins."),
    ("09:14", "First leader election, in cluster meta-b. The alert on the rate of elections fires into a chat channel that was retired in November 2025. Nobody sees it."),
    ("09:31", "A synthetic probe pages the engineer on call, Ines Calder: 19 minutes after the start."),
    ("09:38", "SEV-1 is declared. Tomasz Wren takes command."),
    ("09:46", "The status page says that requests in nw-1 fail: 34 minutes after the start."),
    ("10:05", "A network fault between the availability zones is suspected. The network team rules it out at 10:24."),
    ("10:27", "Marek Oduya finds that the 99th percentile of write-ahead log latency has risen from 6 ms to 2,400 ms, and connects it to CHG-2291."),
    ("10:48", "The rollback of CHG-2291 fails: the configuration service cannot store the new revision, because its own state lives in cluster meta-a."),
    ("10:55", "The team turns to runbook RB-17, “Restore a metadata quorum”. Its fourth step needs the command lfctl quorum pin, which was removed in release 8.2. The search for a replacement is given up at 11:30, after 35 minutes."),
    ("11:42", "Compaction is stopped by hand on the nodes of meta-a. Elections there cease at 11:50."),
    ("12:10", "Compaction is stopped on meta-b and meta-c as well. The last of 41 elections has ended."),
    ("12:25", "The gateways admit 20% of the traffic."),
    ("12:31", "Retries bring 5.4 times the normal request rate. The gateways run out of connections and are closed again."),
    ("12:44", "A limit per client of 50 requests per second is in force at the gateways. Traffic is admitted again, step by step."),
    ("13:02", "60% of the traffic is admitted."),
    ("13:20", "All traffic is admitted, and less than 0.1% of requests fail: the incident ends."),
    ("14:30", "Monitoring shows nothing unusual for 70 minutes. The incident is closed."),
]

TIMELINE_AFTER = [
    "Three spans stand out. It took 19 minutes until a person knew of the outage, 56 minutes from that page until the cause was found, and 103 minutes from the cause until the last election ended at 12:10. The remaining 70 minutes were spent on letting traffic back in.",
]

ROOT_CAUSE = [
    "With 32 workers, compaction read and wrote about eight times as much as before. Each metadata node has one solid-state disk, rated for 1.1 gigabytes of writes per second; within two minutes of the change all nine disks were saturated. Writes to the log queued behind the writes of compaction, and the 99th percentile of log latency rose from 6 ms to 2,400 ms.",
    "A leader must renew its lease within 1.5 seconds. At 2,400 ms it regularly could not. A new leader was elected, began with the same saturated disk, and lost its lease in turn. Between 09:14 and 12:10 the three clusters held 41 elections: 17 in meta-b, 13 in meta-a and 11 in meta-c. An election takes 3 to 9 seconds, but after each one the new leader replays the log, which on a saturated disk took up to 6 minutes. That replay, not the election, is why the clusters were down nearly all the time.",
    "The root cause is therefore that a change to the load on a shared disk was applied to every replica of every cluster at once. One saturated replica would have been harmless: the other two would have formed a quorum and led the cluster. The design tolerates the loss of one node in each cluster, and CHG-2291 slowed all three.",
]

ROLLOUT_GAP = [
    "Changes to software in the metadata service are rolled out one cluster at a time, with a pause of 30 minutes after each. This rule has prevented at least two outages since 2023. It did not apply to CHG-2291, because the deployment tool classifies every numeric parameter as “tuning” and every tuning change as low risk. Low-risk changes skip the staged rollout and go to all nodes at once.",
    "The classification dates from 2022, when the only numeric parameters were log levels and cache sizes. The parameter compaction.workers was added in release 7.6, in May 2024, and inherited the classification without anyone deciding that it should.",
]

LATENCY_TABLE = [
    ("Measure, per metadata node", "Before (2 Feb, 09:00–13:00)", "During (3 Feb, 09:15–11:40)"),
    ("Compaction workers", "4", "32"),
    ("Disk writes, MB per second", "140", "1,090"),
    ("Log write latency, median", "2 ms", "410 ms"),
    ("Log write latency, 99th percentile", "6 ms", "2,400 ms"),
    ("Leader elections, all clusters", "0", "38"),
]

FACTORS = [
    ("Circular dependency.", "The configuration service stores its revisions as objects in nw-1, and their metadata lies in cluster meta-a. When meta-a was down, no configuration could be changed, not even to undo the change that had brought it down. The dependency was noted in a design review in 2023 and accepted, because “a metadata outage long enough to matter is unlikely”. It cost 54 minutes: from the failed rollback at 10:48 to the first manual stop at 11:42."),
    ("A silent alert.", "The alert on leader elections fired at 09:14, two minutes after the change. It was still routed to a chat channel that was retired on 17 November 2025, when the storage teams were merged. Delivery to a missing channel is not an error in our alerting system. Had the alert reached the pager, people would have known 17 minutes sooner."),
    ("A stale runbook.", "Step 4 of runbook RB-17 calls a command that release 8.2 removed in September 2025. The runbook was last tested in March 2025. It cost 35 of the 54 minutes named above."),
    ("Retries without jitter.", "Versions 3.0 to 3.8 of our client library retry a failed request after exactly 1, 2, 4 and 8 seconds, without a random share. Clients that failed together came back together. At 12:31 the gateways saw 15,660 requests per second, 5.4 times the normal rate of 2,900. The attempt that failed cost 19 minutes, from 12:25 to 12:44."),
    ("No admission control.", "The gateways can limit the requests of each client, but the limit was off by default, since it had once refused legitimate bursts of an Enterprise customer. Turning it on at 12:44 ended the overload at once."),
]

FACTOR_COSTS = [
    ("Factor", "From", "To", "Minutes", "Action"),
    ("Circular dependency", "10:48", "11:42", "54", "A2"),
    ("Silent alert", "09:14", "09:31", "17", "A3"),
    ("Stale runbook (within the 54 minutes above)", "10:55", "11:30", "35", "A5"),
    ("Retries without jitter, no admission control", "12:25", "12:44", "19", "A4, A7"),
]

FACTORS_AFTER = [
    "None of these factors would have caused an outage alone. Together they turned what should have been a disturbance of about 20 minutes into one of 248. No individual is at fault: each step that people took was the one that our tools and documents suggested.",
]

REQUESTS = [
    ("Interval (UTC)", "Received, million", "Failed, million", "Share failed"),
    ("09:12–10:00", "8.9", "7.4", "83%"),
    ("10:00–11:00", "14.2", "13.1", "92%"),
    ("11:00–12:00", "15.8", "13.9", "88%"),
    ("12:00–13:00", "17.6", "12.2", "69%"),
    ("13:00–13:20", "4.9", "1.3", "27%"),
    ("Total", "61.4", "47.9", "78%"),
]

REQUESTS_AFTER = [
    "By kind, the failed requests were 33.1 million reads, 9.6 million writes, 3.7 million listings and 1.5 million deletions. The rise in requests received after 11:00 is due to retries; customers did not begin more work than usual.",
]

CUSTOMERS = [
    ("Plan", "Customers in nw-1", "Affected", "Monthly fees of those affected", "Credit", "Amount"),
    ("Enterprise", "88", "46", "USD 612,000", "25% of fees", "USD 153,000"),
    ("Business", "742", "312", "USD 418,500", "10% of fees", "USD 41,850"),
    ("Starter", "2,580", "926", "not relevant", "USD 5 each", "USD 4,630"),
    ("Total", "3,410", "1,284", "", "", "USD 199,480"),
]

CUSTOMERS_AFTER = [
    "The service level agreement promises an availability of 99.95% per calendar month. With 248 of the 40,320 minutes of February lost, availability for the month can reach 99.38% at most. Below 99.5% the agreement grants Enterprise customers 25% of the monthly fee and Business customers 10%. The Starter plan has no agreement; its customers receive USD 5 each as a gesture of goodwill, which is USD 4,630 of the total.",
    "Support received 387 tickets, 301 of them before the first update of the status page or within the half hour after it. Two Enterprise customers, a hospital group and a payroll processor, had to fall back to manual work; both have been visited in person.",
]

DATA = [
    "No object was lost or damaged. A checksum scan over all 2.1 billion objects in nw-1 was completed on 6 February without a finding. 214 multipart uploads were left incomplete; all of them had been resumed or sent again by 5 February.",
]

WELL = [
    "The storage nodes did what they were designed to do: they refused to serve objects whose metadata could not be confirmed, and so no client read stale data.",
    "The synthetic probe, introduced after an incident in June 2025, was the only alarm that reached a person. Without it, support tickets would have been the first sign.",
    "Command was clear from 09:38 on. Updates went to the status page every 20 minutes, and support had an agreed text by 09:55.",
    "Marek Oduya compared the disk metrics with the change calendar on his own initiative, while the network was still the main suspect. This found the cause.",
    "Regions nw-2 and se-1 were to receive CHG-2291 on 4 February. The change was withdrawn at 10:41, within 14 minutes of finding the cause.",
]

BADLY = [
    "The first public word came 34 minutes after the start; our own standard is 10 minutes.",
    "Nineteen minutes were lost to the theory of a network fault, from 10:05 to 10:24, because the dashboard of the metadata service shows network latency on its first page and disk latency on its fourth.",
    "The reviewer of CHG-2291 did not know that compaction and the log share a disk. Nothing in the review asked for it.",
]

LUCK = [
    "The outage began on a Tuesday morning, when nine of the eleven engineers who know the metadata service were at work. At night, stopping compaction by hand on nine nodes could have taken twice as long.",
    "The monthly billing run, which reads 600 million metadata entries, was due to start at 14:00 on the same day. It was postponed by a day.",
]

ACTIONS = [
    ("No.", "Action", "Owner", "Due", "Status"),
    ("A1", "Apply every configuration change one metadata cluster at a time, with a pause of 30 minutes, whatever its risk class", "Priya Natarajan", "27 Feb 2026", "In progress"),
    ("A2", "Move the state of the configuration service out of nw-1, to a store that does not depend on the metadata service", "Tomasz Wren", "30 Apr 2026", "Planned"),
    ("A3", "Route all metadata alerts to the pager, and treat delivery to a missing channel as an error", "Ines Calder", "13 Feb 2026", "Done 11 Feb"),
    ("A4", "Release client library 3.9 with exponential backoff and full jitter, and ask the 40 largest customers to upgrade", "Marek Oduya", "20 Mar 2026", "In progress"),
    ("A5", "Run every command of every runbook against the current release, once a week, in continuous integration", "Ines Calder", "27 Mar 2026", "Planned"),
    ("A6", "Give the write-ahead log a disk of its own on all nine metadata nodes", "Priya Natarajan", "29 May 2026", "Planned"),
    ("A7", "Turn on admission control at the gateways by default, at 1.5 times the normal rate", "Sofia Lindqvist", "6 Mar 2026", "In progress"),
    ("A8", "Let the synthetic probe update the status page by itself within 10 minutes", "Helen Achterberg", "20 Feb 2026", "In progress"),
    ("A9", "Pay the SLA credits and the goodwill of USD 199,480 with the February invoices", "Daniel Osei", "2 Mar 2026", "In progress"),
]

ACTIONS_AFTER = [
    "A2 is the action that matters most and takes longest. Until it is done, the configuration of the metadata service is also kept as a signed file on every node, and an operator can apply it there without the configuration service. This interim measure has been in place since 9 February and was exercised on 11 February: the nine nodes were changed in 6 minutes.",
    "The compaction backlog remains to be cleared. It stood at 12.3 terabytes on 11 February. Compaction will run with 6 workers, on one replica of each cluster at a time, and is expected to finish by 15 March. The forecast of 85% disk use by the end of February has been revised to 81%.",
    "Progress on the actions is reviewed every second Thursday, first on 26 February 2026, by the Head of Reliability, Helen Achterberg. This report is shared with all customers on the Enterprise plan and, on request, with every other customer.",
]

GLOSSARY = [
    ("Lease", "the right to lead a metadata cluster, held for 1.5 seconds and renewed by a write to the log."),
    ("Quorum", "two of the three replicas of a cluster, without which it can neither elect a leader nor store a change."),
    ("Write-ahead log", "the file in which a replica records each change before it is applied."),
]
