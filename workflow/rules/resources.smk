# What the jobs of each rule ask of a cluster; on one machine, threads and the GPU alone keep jobs apart.
import yaml

ASKED = yaml.safe_load(
    (Path(workflow.basedir) / "workflow/resources.yaml").read_text(encoding="utf-8")
)
# A day: few partitions allow less, and a job that asks for more than its partition allows waits for ever.
LONGEST = 24 * 60


def memory(rule):
    """The memory of a rule's jobs in MB: twice as much with each attempt."""
    asked = ASKED[rule]["mem_mb"]
    return lambda wildcards, attempt: asked * 2 ** (attempt - 1)


def minutes(rule):
    """The time of a rule's jobs in minutes: twice as much with each attempt, up to the longest."""
    asked = ASKED[rule]["runtime"]
    return lambda wildcards, attempt: min(asked * 2 ** (attempt - 1), LONGEST)
