"""What the templates in cloud/ must agree on; called by Tests/System/test-cloud. Fails with a sentence for each fault.

cloud-checks.py files DIRECTORY      the files in user-data.yaml are those that lie beside it; the settings written to DIRECTORY
cloud-checks.py aws DIRECTORY        the user data in aws.yaml, as EC2 and cloud-init would have it, written to DIRECTORY
cloud-checks.py pi DIRECTORY         what raspberry-pi.yaml writes, written to DIRECTORY
cloud-checks.py terraform            names and settings of main.tf, beside those of aws.yaml
cloud-checks.py values               main.tf without what needs a provider
cloud-checks.py token SCRIPT         what midihub-store-token sends, with no network
"""
import json, pathlib, re, sys
import yaml

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "cloud"
faults = []


def check(holds, fault):
    if not holds:
        faults.append(fault)


class Template(yaml.SafeLoader):
    """CloudFormation's short functions as pairs of name and argument."""


def function(loader, name, node):
    build = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: lambda n: loader.construct_sequence(n, True)}
    return name, build.get(type(node), lambda n: loader.construct_mapping(n, True))(node)


Template.add_multi_constructor("!", function)


def aws_template():
    return yaml.load((FOLDER / "aws.yaml").read_text(), Template)


def settings():
    """The names of the settings in user-data.yaml, in their order."""
    text = yaml.safe_load((FOLDER / "user-data.yaml").read_text())["write_files"][0]["content"]
    return re.findall(r"(?m)^([A-Z0-9_]+)=", text)


def files(directory):
    first, *others = yaml.safe_load((FOLDER / "user-data.yaml").read_text())["write_files"]
    pathlib.Path(directory, "midihub-setup.conf").write_text(first["content"])
    names = [pathlib.Path(file["path"]).name for file in others]
    check(names == ["midihub-setup", "midihub-store-token"], f"the files are {names}")
    for name, file in zip(names, others):
        check(file["content"] == (FOLDER / name).read_text(), f"{name} is another one")


def aws(directory):
    from cloudinit.config.cc_write_files import canonicalize_extraction, extract_contents

    template = aws_template()
    function, text = template["Resources"]["Hub"]["Properties"]["UserData"]["Fn::Base64"]
    check(function == "Sub", "the user data is no !Sub")
    used = set(re.findall(r"\$\{(\w+)\}", text))
    check(used <= set(template["Parameters"]), f"no parameters: {used - set(template['Parameters'])}")
    longest = {"HubUrl": "https://example.org/" + "x" * 300, "RtpmididUrl": "https://example.org/" + "x" * 300, "HubSha256": "0" * 64,
               "RtpmididSha256": "0" * 64, "Name": "n" * 63, "PageHost": "h" * 253, "TokenParameter": "/" + "p" * 500}
    filled = re.sub(r"\$\{(\w+)\}", lambda m: longest.get(m[1]) or str(template["Parameters"][m[1]]["Default"]), text)
    check(len(filled.encode()) <= 16384, f"{len(filled.encode())} bytes of user data with long settings; EC2 takes 16384")
    pathlib.Path(directory, "aws-user-data").write_text(filled)
    ours, theirs = yaml.safe_load((FOLDER / "user-data.yaml").read_text()), yaml.safe_load(filled)
    check(ours["runcmd"] == theirs["runcmd"], "runcmd differs")
    check(len(ours["write_files"]) == len(theirs["write_files"]), "another number of files")
    for mine, other in zip(ours["write_files"][1:], theirs["write_files"][1:]):
        content = extract_contents(other["content"], canonicalize_extraction(other.get("encoding")))
        check(content.decode() == mine["content"], f"{mine['path']} differs")
        check((mine["path"], mine["permissions"]) == (other["path"], other["permissions"]), f"{mine['path']} lies elsewhere")
    names = re.findall(r"(?m)^([A-Z0-9_]+)=", theirs["write_files"][0]["content"])
    check(names == settings(), f"settings {names}, not {settings()}")


def walk(value):
    """Every text in a parsed HCL file."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key != "__comments__":
                yield str(key)
                yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)
    else:
        yield str(value)


def terraform():
    import hcl2

    with open(FOLDER / "main.tf") as file:
        parsed = hcl2.load(file)
    bare = lambda name: name.strip('"')
    names = lambda kind: [bare(name) for block in parsed[kind] for name in block]
    variables, outputs = names("variable"), names("output")
    local = {name for block in parsed["locals"] for name in block if not name.startswith("__")}
    resources = {f"{bare(kind)}.{bare(name)}" for block in parsed["resource"] for kind, inner in block.items() for name in inner
                 if not kind.startswith("__")}
    texts = "\n".join(walk(parsed))
    for kind, declared, used in [
        ("var", set(variables), set(re.findall(r"\bvar\.(\w+)", texts))),
        ("local", local, set(re.findall(r"\blocal\.(\w+)", texts))),
    ]:
        check(used <= declared, f"{kind}: used and not declared: {used - declared}")
        check(declared <= used, f"{kind}: declared and not used: {declared - used}")
    used = set(re.findall(r"\b(google_\w+\.\w+)", texts))
    check(used <= resources, f"resources used and not declared: {used - resources}")

    filled = next(block["settings"] for block in parsed["locals"] if "settings" in block)
    check([name for name in filled if not name.startswith("__")] == settings(), "locals.settings has not the settings of user-data.yaml")
    # What user_data there replaces: lines of this form whose name is a setting. Each must be one line, in the settings.
    lines = [match[1] for match in re.finditer(r"(?m)^    ([A-Z0-9_]+)=", (FOLDER / "user-data.yaml").read_text())]
    replaced = [name for name in lines if name in settings()]
    check(replaced == settings(), f"lines that would be replaced: {replaced}")

    # The same inputs and outputs, but for what only one of the two clouds has.
    template = aws_template()
    snake = lambda name: re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
    theirs = {snake(name) for name in template["Parameters"]} - {"accelerator", "key_name"}
    check(theirs == set(variables) - {"project", "region", "zone"}, f"inputs differ: {theirs ^ set(variables)}")
    theirs = {snake(name) for name in template["Outputs"]} - {"accelerator_addresses"}
    check(theirs == set(outputs), f"outputs differ: {theirs ^ set(outputs)}")


def values():
    text = (FOLDER / "main.tf").read_text()
    text = re.sub(r"(?ms)^(terraform|provider|resource|output)\b.*?^}\n", "", text)
    print(re.sub(r"(?m)^  machine +=.*\n", "", text))


def token(script):
    import base64, datetime, io, os, tempfile, urllib.error, urllib.request
    from botocore import auth, awsrequest, credentials

    secret = tempfile.NamedTemporaryFile("w", delete=False)
    secret.write("abcdefghij0123456789\n")
    secret.close()
    keys = {"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "Token": "session/+="}

    def run(answers):
        """Runs the script with these answers by address; what it sent last, and how it ended."""
        sent = []

        def answer(request, timeout):
            sent.append(request)
            for prefix, text in answers.items():
                if request.full_url.startswith(prefix):
                    if isinstance(text, int):
                        raise urllib.error.HTTPError(request.full_url, text, "no", {}, io.BytesIO(b"AccessDenied: why"))
                    return io.BytesIO(text.encode())
            raise urllib.error.HTTPError(request.full_url, 404, "not found", {}, io.BytesIO(b""))

        urllib.request.urlopen, sys.argv = answer, [script, "/midihub/token", secret.name]
        try:
            exec(compile(open(script).read(), script, "exec"), {"__name__": "__main__"})
        except SystemExit as end:
            return sent, end.code
        return sent, 0

    meta = "http://169.254.169.254/"
    role = meta + "latest/meta-data/iam/security-credentials/"
    amazon = {meta + "latest/api/token": "SESSION", meta + "latest/meta-data/placement/region": "eu-central-1",
              role + "hub": json.dumps(keys), role: "hub\n", "https://ssm.eu-central-1.amazonaws.com/": "{}"}
    sent, code = run(amazon)
    check(code == 0, f"AWS: ended with {code}")
    put = sent[-1]
    check(sent[0].get_method() == "PUT" and sent[1].headers["X-aws-ec2-metadata-token"] == "SESSION", "no IMDSv2")
    check(put.full_url == "https://ssm.eu-central-1.amazonaws.com/", put.full_url)
    check(json.loads(put.data) == {"Name": "/midihub/token", "Value": "abcdefghij0123456789", "Type": "SecureString", "Overwrite": True}, put.data)
    given = {name.lower(): value for name, value in put.headers.items()}
    request = awsrequest.AWSRequest("POST", put.full_url, data=put.data, headers={
        name: given[name] for name in ("content-type", "x-amz-target")})
    moment = datetime.datetime.strptime(given["x-amz-date"], "%Y%m%dT%H%M%SZ")

    class Then(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return moment

    auth.datetime = type("datetime", (), {"datetime": Then})
    auth.SigV4Auth(credentials.Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["Token"]), "ssm", "eu-central-1").add_auth(request)
    check(request.headers["Authorization"] == given["authorization"], f"{given['authorization']}, botocore: {request.headers['Authorization']}")

    google = {meta + "computeMetadata/v1/instance/service-accounts/default/token": '{"access_token": "GOOGLE"}',
              meta + "computeMetadata/v1/project/project-id": "a-project", "https://secretmanager.googleapis.com/": "{}"}
    sent, code = run(google)
    check(code == 0, f"Google: ended with {code}")
    check(sent[-1].full_url == "https://secretmanager.googleapis.com/v1/projects/a-project/secrets//midihub/token:addVersion", sent[-1].full_url)
    check(sent[-1].headers["Authorization"] == "Bearer GOOGLE", "no bearer")
    check(base64.b64decode(json.loads(sent[-1].data)["payload"]["data"]) == b"abcdefghij0123456789", "another secret")

    sent, code = run(amazon | {"https://ssm.eu-central-1.amazonaws.com/": 400})
    check("AccessDenied: why" in str(code) and "abcdefghij" not in str(code), f"a refusal: {code}")
    os.unlink(secret.name)


def pi(folder):
    """raspberry-pi.yaml: its script and its words for the hub, into `folder`; what must be filled in is all that is not there."""
    data = yaml.safe_load(open("cloud/raspberry-pi.yaml"))
    files = {one["path"]: one for one in data["write_files"]}
    check(set(files) == {"/etc/midihub-package", "/etc/midihub/midihub.json5", "/usr/local/sbin/midihub-install"}, f"{set(files)}")
    check(files["/etc/midihub-package"]["content"] == "URL=\nSHA256=\n", "the package is filled in")
    check("midihub-install" in str(data["runcmd"]), "it is never called")
    check(data["users"][0]["ssh_authorized_keys"] == ["ssh-ed25519 KEY somebody@example.org"], "a key is filled in")
    for path, one in files.items():
        with open(f"{folder}/{path.split('/')[-1]}", "w") as file:
            file.write(one["content"])


{"files": files, "pi": pi, "aws": aws, "terraform": terraform, "values": values, "token": token}[sys.argv[1]](*sys.argv[2:])
for fault in faults:
    print(fault)
sys.exit(1 if faults else 0)
