# What the rules about methods share: their options, local features, and timing.


def running(*kinds):
    """The names of the methods that run in these ways."""
    return [name for name, chosen in SUITE.methods.items() if chosen.runs in kinds]


def settings(parameters):
    """Parameters as --set options."""
    return " ".join(
        f"--set {shlex.quote(f'{name}={value}')}" for name, value in parameters.items()
    )


def method_options(wildcards):
    """The method's name, or its folder, and its parameters as options."""
    chosen = SUITE.methods[wildcards.method]
    common = options(shortlist=chosen.shortlist, junk=chosen.junk)
    if chosen.runs == "builtin":
        named = options(method=chosen.reranker)
    else:
        named = options(method=chosen.found.path, weights=weights(wildcards.method))
    return f"{named} {common} {settings(chosen.given())}"


def method_digest(wildcards):
    """What changes when a file in the method's folder does; the library's own methods have a fingerprint."""
    chosen = SUITE.methods[wildcards.method]
    return None if chosen.runs == "builtin" else folder_digest(chosen.found.path)


def shown_suite():
    """What a report depends on of the suite: all but where methods' folders lie."""
    path = {"__all__": {"found": {"path"}}}
    return SUITE.model_dump(mode="json", exclude={"methods": path, "descriptors": path})


def timed_methods():
    """What a timing depends on of each method."""
    return [
        [
            chosen.model_dump(mode="json", exclude={"found"}),
            None if chosen.runs == "builtin" else folder_digest(chosen.found.path),
        ]
        for chosen in SUITE.methods.values()
    ]


def weights(method):
    """A local method's own weights: given, downloaded, or none."""
    chosen = SUITE.methods[method]
    if chosen.download is not None:
        return str(weights_path(CATALOGUE[chosen.download], ROOT))
    return str(chosen.weights) if chosen.weights is not None else None


def network_options(descriptor, method):
    """The networks of local features as options: the descriptor's, and the method's own weights."""
    given = SUITE.descriptors[descriptor].extract
    if given is None:
        return options(weights=weights(method))
    named = given.checkpoint or (
        checkpoint_path(CATALOGUE[given.download], ROOT) if given.download else None
    )
    return options(backbone=given.backbone, checkpoint=named, weights=weights(method))


def finished_networks(descriptor, method):
    """What says that those networks' weights are there."""
    given, chosen = SUITE.descriptors[descriptor].extract, SUITE.methods[method]
    names = [given.download if given else None, chosen.download]
    return [downloaded(name) for name in names if name is not None]


def local_folder(wildcards, split):
    """The folder of the local features that a method needs of a split; None for methods without."""
    name = features_name(SUITE, wildcards.descriptor, wildcards.method)
    return name and f"{RESULTS}/local/{name}/{wildcards.dataset}/{split}"


def finished_local(wildcards):
    """The records of the local features that a reranking waits for, and of its networks."""
    folders = [
        local_folder(wildcards, split) for split in ["queries", *splits(wildcards)]
    ]
    networks = finished_networks(wildcards.descriptor, wildcards.method)
    if folders[0] is None:
        return networks
    return [f"{folder}/record.json" for folder in folders] + networks


def local_folders(wildcards):
    """A method's local features as options; none for methods without."""
    queries = local_folder(wildcards, "queries")
    if queries is None:
        return ""
    database = [
        options(local_database=local_folder(wildcards, split))
        for split in splits(wildcards)
    ]
    return " ".join([options(local_queries=queries), *database])


def local_options(wildcards):
    """A local method's features and networks as options."""
    folders = local_folders(wildcards)
    networks = folders and network_options(wildcards.descriptor, wildcards.method)
    return f"{folders} {networks}".strip()


def timed_local(wildcards):
    """The local features that are there anyway, by kind, for a timing: those of methods with accuracy."""
    return {
        local_kind(SUITE.methods[method]): f"{RESULTS}/local/"
        f"{features_name(SUITE, wildcards.descriptor, method)}/{wildcards.dataset}"
        for method in SUITE.methods
        if features_name(SUITE, wildcards.descriptor, method) is not None
        and accuracy_missing(
            SUITE, wildcards.descriptor, wildcards.dataset, "plain", method
        )
        is None
    }


def timed_images(wildcards, split):
    """A split's images for a timing: a folder or a list; None where there are none."""
    if not has_images(SUITE, wildcards.dataset):
        return None
    if SUITE.datasets[wildcards.dataset].synthetic is not None:
        return f"{RESULTS}/data/{wildcards.dataset}/{split}"
    return f"{RESULTS}/data/{wildcards.dataset}/{split}.txt"


def finished_timing(wildcards):
    """What a timing waits for beside descriptors and ground truth."""
    waits = [
        f"{folder}/{split}/record.json"
        for folder in timed_local(wildcards).values()
        for split in ("queries", "database")
    ]
    if has_images(SUITE, wildcards.dataset):
        data = SUITE.datasets[wildcards.dataset]
        made = f"{RESULTS}/data/{wildcards.dataset}"
        waits += (
            [f"{made}/MANIFEST.json"]
            if data.synthetic
            else [f"{made}/queries.txt", f"{made}/database.txt"]
        )
    for method in SUITE.methods:
        waits += finished_networks(wildcards.descriptor, method)
    return list(dict.fromkeys(waits))


def timing_options(wildcards):
    """How to time, with what, as options."""
    timing = SUITE.timing
    given = SUITE.descriptors[wildcards.descriptor].extract
    chosen = {
        "shortlist": timing.shortlist,
        "sizes": ",".join(map(str, timing.sizes)) or None,
        "timed_queries": timing.queries,
        "repeats": timing.repeats,
        "budget": timing.budget,
        "precision": timing.precision,
        "seed": SUITE.seed,
        "dataset": wildcards.dataset,
        "query_images": timed_images(wildcards, "queries"),
        "database_images": timed_images(wildcards, "database"),
    }
    if given is not None:
        chosen |= {"backbone": given.backbone, "descriptor": given.preset}
        chosen["checkpoint"] = given.checkpoint or (
            checkpoint_path(CATALOGUE[given.download], ROOT) if given.download else None
        )
        if given.query_crop and has_images(SUITE, wildcards.dataset):
            chosen["boxes"] = groundtruth(wildcards)
    for method, entry in SUITE.methods.items():
        kind = local_kind(entry) if entry.runs == "builtin" else None
        if weights(method) is not None and (kind == "xfeat" or entry.reranker == "rrt"):
            chosen["xfeat" if kind == "xfeat" else "rrt"] = weights(method)
    stored = [
        f"--local '{kind}={folder}/queries,{folder}/database'"
        for kind, folder in timed_local(wildcards).items()
    ]
    return " ".join([options(**chosen), *stored])


class Program:
    """What `rule.smk` of a method may use, by the name METHOD: see docs/adding-a-method.md."""

    def __init__(self, found, entries):
        self.path, self.name = found.path, found.path.name
        self._entries = entries
        self.digest = folder_digest(found.path)
        if found.description.stage == "descriptor":
            place = f"{{descriptor}}/{{dataset}}/{{split}}"
            mine = f"{{descriptor,{one_of(entries)}}}/{{dataset}}/{{split}}"
            self.given = f"{RESULTS}/given-images/{place}"
            self.result = temp(f"{RESULTS}/rows/{mine}.npy")
        else:
            place = f"{{descriptor}}/{{dataset}}/{{size}}/{{method}}"
            mine = f"{{descriptor}}/{{dataset}}/{{size}}/{{method,{one_of(entries)}}}"
            self.given = f"{RESULTS}/given/{place}"
            self.result = f"{RESULTS}/orders/{mine}.npy"
        self.log = f"{LOGS}/programs/{place}.log"

    def file(self, name):
        """A file in the method's folder."""
        return str(self.path / name)

    def entry(self, wildcards):
        """What the suite says of the method at hand."""
        return self._entries[wildcards.get("method", wildcards.descriptor)]

    def parameters(self, wildcards):
        """The parameters as options of the program, with defaults."""
        return " ".join(
            f"--{name} {shlex.quote(str(value))}"
            for name, value in every_parameter(self.entry(wildcards)).items()
        )

    def weights(self, wildcards):
        """The weights that the suite gives, and what says that they are there."""
        return given_weights(self.entry(wildcards))

    def attempt(self, command):
        """The shell command that runs the program, and writes why where it fails."""
        return (
            f"superglobal attempt --method '{self.path}' --out '{{output}}' --log '{{log}}' <<'PROGRAM'\n"
            f"{command}\nPROGRAM"
        )


def every_parameter(chosen):
    """A method's parameters, with the defaults of its folder."""
    given = chosen.given() if hasattr(chosen, "given") else chosen.parameters
    found = chosen.found.folder().parameters(given)
    return {name: value for name, value in found.items() if value is not None}


def given_weights(chosen):
    """A method's weights as inputs of its rule."""
    if getattr(chosen, "download", None) is not None:
        return [
            str(weights_path(CATALOGUE[chosen.download], ROOT)),
            downloaded(chosen.download),
        ]
    return [str(chosen.weights)] if chosen.weights is not None else []


def programs(entries):
    """The programs among a suite's methods or descriptors, each with its entries."""
    by_folder = {}
    for name, chosen in entries.items():
        if chosen.found is not None and chosen.found.runs == "program":
            by_folder.setdefault(chosen.found.path, {})[name] = chosen
    return [
        Program(next(iter(mine.values())).found, mine) for mine in by_folder.values()
    ]


def adopted_options(wildcards):
    """What is asked of a program, or of a ranking brought along, as options."""
    chosen = SUITE.methods[wildcards.method]
    return options(stage=chosen.found.description.stage, shortlist=chosen.shortlist)


def left(wildcards):
    """The file that a program leaves, or that was brought along."""
    chosen = SUITE.methods[wildcards.method]
    if chosen.runs == "results":
        return str(chosen.results[wildcards.dataset][wildcards.size])
    place = f"{wildcards.descriptor}/{wildcards.dataset}/{wildcards.size}"
    return f"{RESULTS}/orders/{place}/{wildcards.method}.npy"
