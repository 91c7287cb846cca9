"""What `packaging` says of requirements and specifiers.

Arguments: a pip wheel (or a folder) to import it from, a job in JSON, the JSON file to write. Wherever
packaging raises an error the answer is null.
"""
import importlib
import json
import sys


def load(place):
    sys.path.insert(0, place)
    for name in ("packaging", "pip._vendor.packaging"):
        try:
            package = importlib.import_module(name)
            modules = [importlib.import_module("%s.%s" % (name, part)) for part in ("requirements", "specifiers", "version")]
            return package.__version__, modules
        except ImportError:
            continue
    raise SystemExit("no packaging in " + place)


def attempt(operation):
    try:
        return operation()
    except Exception:
        return None


def main():
    place, source, target = sys.argv[1:]
    version, (requirements, specifiers, versions) = load(place)
    with open(source, encoding="utf-8") as file:
        job = json.load(file)

    def holds(marker, environment, extras):
        return attempt(lambda: any(marker.evaluate(dict(environment, extra=extra)) for extra in extras or [""]))

    def describe(text):
        requirement = requirements.Requirement(text)
        marker = requirement.marker
        return {
            "name": requirement.name,
            "extras": sorted(requirement.extras),
            "specifier": str(requirement.specifier),
            "url": requirement.url,
            "holds": marker and [
                holds(marker, environment, extras)
                for environment in job["environments"]
                for extras in job["extras"]
            ],
        }

    def contains(specifier, candidate, prereleases):
        return specifiers.SpecifierSet(specifier).contains(candidate, prereleases=prereleases)

    answers = {
        "version": version,
        "requirements": [attempt(lambda: describe(text)) for text in job["requirements"]],
        "contains": [
            [
                [attempt(lambda: contains(specifier, candidate, prereleases)) for prereleases in (True, False)]
                for candidate in job["versions"]
            ]
            for specifier in job["specifiers"]
        ],
        "order": [
            [attempt(lambda: (versions.Version(a) > versions.Version(b)) - (versions.Version(a) < versions.Version(b))) for b in job["versions"]]
            for a in job["versions"]
        ],
    }
    with open(target, "w", encoding="utf-8") as file:
        json.dump(answers, file)


main()
