#!/usr/bin/env python3
"""Fetches one source package from the package index that pip is configured for, without running anything in it.

  scripts/pip_sdist.py NAME VERSION SHA256 FILE [--isolated]

`pip download` would build a source package's metadata, which installs its build system and runs its setup script. So
pip's own finder and session (index, mirrors, proxies and certificates as configured) are asked for the file alone.
They are not a public interface of pip: where they have changed, `pip download` is asked after all.
"""
import glob
import hashlib
import os
import subprocess
import sys
import tempfile


def by_finder(name, version, isolated):
    from pip._internal.commands import create_command
    command = create_command("download", isolated=isolated)
    options, _ = command.parse_args(["--quiet", "--no-deps", "--no-binary", name])
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options=options, session=session)
        for candidate in finder.find_all_candidates(name):
            if str(candidate.version) == version and not candidate.link.is_wheel:
                reply = session.get(candidate.link.url_without_fragment, headers={"Accept-Encoding": "identity"})
                reply.raise_for_status()
                return reply.content
    raise LookupError(f"the index has no source package of {name} {version}")


def by_pip(name, version, isolated):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", *(["--isolated"] if isolated else []), "download", "--quiet",
                        "--disable-pip-version-check", "--no-deps", "--no-binary", name, "--dest", folder,
                        f"{name}=={version}"], check=True)
        [path] = glob.glob(os.path.join(folder, "*.tar.gz"))
        with open(path, "rb") as file:
            return file.read()


def main():
    isolated = "--isolated" in sys.argv
    name, version, sha256, path = [word for word in sys.argv[1:] if word != "--isolated"]
    try:
        content = by_finder(name, version, isolated)
    except (ImportError, AttributeError, TypeError):
        content = by_pip(name, version, isolated)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(f"{name} {version}: its SHA-256 is {found}, wanted {sha256}")
    with open(path, "wb") as file:
        file.write(content)


if __name__ == "__main__":
    main()
