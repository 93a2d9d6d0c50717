//! What is deployed agrees with the code: ports, probes, times and settings.

use std::{fs, path::PathBuf};

use purlin::{
    exit::Exit,
    testing::{Ended, Program, Signal, eventually},
};
use serde_json::{Value, json};

use crate::process::{quickstart, run};

const MANIFEST: &str = include_str!("../../../../deploy/kubernetes.yaml");
const CONTAINERFILE: &str = include_str!("../../../../deploy/Containerfile");
const PAGE: &str = include_str!("../../../../docs/book/production.md");

/// The one object of this kind.
fn manifest(kind: &str) -> Value {
    let documents = MANIFEST.split("\n---\n");
    let objects =
        documents.map(|text| serde_saphyr::from_str::<Value>(text).expect("the manifest is YAML"));
    let mut of_kind = objects.filter(|object| object["kind"] == kind);
    let object = of_kind.next().unwrap_or_else(|| panic!("there is no {kind}"));
    assert!(of_kind.next().is_none(), "there are two of {kind}");
    object
}

fn pod() -> Value {
    manifest("Deployment")["spec"]["template"]["spec"].clone()
}

fn container() -> Value {
    let pod = pod();
    assert_eq!(pod["containers"].as_array().map(Vec::len), Some(1));
    pod["containers"][0].clone()
}

/// Every setting of the service, as a JSON Schema.
fn schema() -> Value {
    let (code, text) = run(&["config", "schema"], &[]);
    assert_eq!(code, 0, "{text}");
    serde_json::from_str(&text).expect("the schema is JSON")
}

/// What describes a setting such as `http.drain`, if there is one.
fn setting<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(schema, |at, name| at["properties"].get(name))
}

/// The default of a duration in whole seconds.
fn seconds(key: &str) -> u64 {
    let schema = schema();
    let default = setting(&schema, key).unwrap_or_else(|| panic!("no {key}"))["default"].clone();
    let text = default.as_str().unwrap_or_else(|| panic!("{key} is {default}"));
    let seconds = text.strip_suffix('s').and_then(|number| number.parse().ok());
    seconds.unwrap_or_else(|| panic!("{key} is {text}, which is no number of seconds"))
}

/// How long a probe goes on failing before something follows.
fn patience(probe: &Value) -> u64 {
    let number =
        |name: &str| probe[name].as_u64().unwrap_or_else(|| panic!("no {name} in {probe}"));
    number("periodSeconds") * number("failureThreshold")
}

/// In the production profile; it has no default of its own.
fn drain_delay() -> u64 {
    let schema = schema();
    let about =
        setting(&schema, "lifecycle.drain_delay").map(|delay| delay["description"].to_string());
    assert!(about.as_ref().is_some_and(|about| about.contains("5 s in profile prod")), "{about:?}");
    5
}

#[test]
fn the_platform_waits_longer_than_a_stop_takes() {
    let grace = pod()["terminationGracePeriodSeconds"].as_u64().unwrap();
    let stop = seconds("lifecycle.stop_timeout");
    assert!(grace >= stop + 5, "{grace} s are too short for a stop of {stop} s");
    let drain = seconds("http.drain");
    assert!(drain_delay() + drain < stop, "{drain} s of drain do not fit into {stop} s");
    assert_eq!(container()["lifecycle"], Value::Null, "the drain delay needs no hook");
}

#[test]
fn probes_ask_the_admin_server_in_time() {
    let (container, schema) = (container(), schema());
    let default = |key: &str| setting(&schema, key).unwrap()["default"].clone();
    for (name, path) in [
        ("startupProbe", "/readyz"),
        ("readinessProbe", "/readyz"),
        ("livenessProbe", default("admin.health_path").as_str().unwrap()),
    ] {
        let get = &container[name]["httpGet"];
        assert_eq!((get["path"].as_str(), get["port"].as_str()), (Some(path), Some("admin")));
    }
    assert!(patience(&container["startupProbe"]) > seconds("lifecycle.start_timeout"));
    assert!(patience(&container["readinessProbe"]) < drain_delay());
    assert!(patience(&container["livenessProbe"]) >= 30, "a moment's load restarts nothing");
}

#[test]
fn ports_are_those_of_the_code() {
    let schema = schema();
    let port = |key: &str| setting(&schema, key).unwrap()["default"].as_u64().unwrap();
    let (http, admin) = (port("http.listen"), port("admin.listen"));
    let container = container();
    let ports: Vec<_> = container["ports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|port| (port["name"].as_str().unwrap(), port["containerPort"].as_u64().unwrap()))
        .collect();
    assert_eq!(ports, [("http", http), ("admin", admin)]);
    let deployment = manifest("Deployment");
    let annotations = &deployment["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["prometheus.io/port"], admin.to_string());
    assert_eq!(annotations["prometheus.io/path"], "/metrics");
    // The admin port is no part of the service.
    assert_eq!(manifest("Service")["spec"]["ports"].as_array().unwrap().len(), 1);
    assert!(CONTAINERFILE.contains(&format!("EXPOSE {http} {admin}\n")));
}

#[test]
fn objects_select_the_same_pods() {
    let deployment = manifest("Deployment");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&manifest("Service")["spec"]["selector"], labels);
    let budget = manifest("PodDisruptionBudget");
    assert_eq!(&budget["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"], labels);
    for constraint in pod()["topologySpreadConstraints"].as_array().unwrap() {
        assert_eq!(&constraint["labelSelector"]["matchLabels"], labels);
    }
}

#[test]
fn the_pod_may_do_little() {
    let (pod, container) = (pod(), container());
    let user = &pod["securityContext"]["runAsUser"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert!(CONTAINERFILE.contains(&format!("USER {user}:{user}\n")), "{user}");
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["enableServiceLinks"], false);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    let directory = CONTAINERFILE.lines().rev().find_map(|line| line.strip_prefix("WORKDIR "));
    let mounts = container["volumeMounts"].as_array().unwrap();
    for written in [directory.unwrap(), "/tmp"] {
        assert!(mounts.iter().any(|mount| mount["mountPath"] == written), "{written}");
    }
    // Nothing stands between the signal and the binary.
    assert!(
        CONTAINERFILE.contains("\nENTRYPOINT [\"") && CONTAINERFILE.contains("STOPSIGNAL SIGTERM")
    );
    assert_eq!(container["command"], Value::Null);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

/// The files of a volume, by their names.
fn files(volume: &Value) -> Vec<(String, String)> {
    if volume["configMap"].is_object() {
        let map = manifest("ConfigMap");
        assert_eq!(volume["configMap"]["name"], map["metadata"]["name"]);
        let files = map["data"].as_object().expect("the map has files").iter();
        files.map(|(name, content)| (name.clone(), text(content).to_owned())).collect()
    } else if volume["secret"].is_object() {
        // What the command at the top of the manifest makes.
        let secret = text(&volume["secret"]["secretName"]);
        let command = format!("secret generic {secret} --from-literal=");
        let (_, made) = MANIFEST.split_once(&command).expect("it says how to make the secret");
        let (name, _) = made.split_once('=').expect("the secret has a name");
        vec![(name.to_owned(), "0123456789abcdef0123456789abcdef".to_owned())]
    } else {
        Vec::new()
    }
}

/// The binary with the arguments, variables and files of its container; the paths of its volumes lie
/// in its directory.
fn deployed() -> Program {
    let (pod, container, program) = (pod(), container(), quickstart());
    let directory = program.directory().to_owned();
    let inside = |content: &str| {
        list(&container["volumeMounts"]).iter().fold(content.to_owned(), |content, mount| {
            let path = text(&mount["mountPath"]);
            content.replace(path, &format!("{}{path}", directory.display()))
        })
    };
    for mount in list(&container["volumeMounts"]) {
        let volume = list(&pod["volumes"]).iter().find(|volume| volume["name"] == mount["name"]);
        let mounted = PathBuf::from(inside(text(&mount["mountPath"])));
        fs::create_dir_all(&mounted).expect("a directory can be made");
        for (name, content) in files(volume.expect("what is mounted is a volume")) {
            fs::write(mounted.join(name), inside(&content)).expect("a file can be written");
        }
    }
    let program = list(&container["env"]).iter().fold(program, |program, variable| {
        program.env(text(&variable["name"]), text(&variable["value"]))
    });
    list(&container["args"]).iter().fold(program, |program, arg| program.arg(inside(text(arg))))
}

#[test]
fn the_settings_of_the_manifest_are_right() {
    let Ended { code, output } = deployed().run(&["check", "--strict"]);
    assert_eq!(code, Some(0), "{output}");
}

/// The pod gets ready, and its probes and its service find what answers them.
#[tokio::test]
async fn the_deployed_service_starts_and_answers_its_probes() {
    let schema = schema();
    let service = deployed().set("http.listen", "127.0.0.1:0").start().await;
    // Here the ports are others: a name stands for the server whose default is its number.
    let container = container();
    let client = |name: &Value| {
        let ports = container["ports"].as_array().unwrap();
        let port = ports.iter().find(|port| port["name"] == *name).expect("the port has a name");
        let is_its = |server: &&&str| {
            let default = &setting(&schema, &format!("{server}.listen")).unwrap()["default"];
            *default == port["containerPort"]
        };
        service.client(["http", "admin"].iter().find(is_its).expect("a server listens there"))
    };
    for name in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let get = &container[name]["httpGet"];
        client(&get["port"]).get(get["path"].as_str().unwrap()).await.expect(200);
    }
    let public = manifest("Service")["spec"]["ports"][0]["targetPort"].clone();
    let order = json!({ "customer": "ada", "amount_cents": 1250 });
    client(&public).post("/orders").json(&order).await.expect(201);
    let term = async || client(&public).get("/totals").await.json::<Value>()["term"].as_u64();
    eventually(async || term().await > Some(0)).await;
    service.signal(Signal::Quit);
    let Ended { code, output } = service.ended().await;
    assert_eq!(code, Some(0), "{output}");
}

/// Its leases and its data are inside of one process, and `prod` does not guess that there is one.
#[test]
fn there_is_one_replica_and_never_two_for_a_moment() {
    let spec = manifest("Deployment")["spec"].clone();
    assert_eq!((&spec["replicas"], &spec["strategy"]["type"]), (&json!(1), &json!("Recreate")));
    let volumes = pod()["volumes"].clone();
    let data = volumes.as_array().unwrap().iter().find(|volume| volume["name"] == "data").unwrap();
    let claim = manifest("PersistentVolumeClaim");
    assert_eq!(data["persistentVolumeClaim"]["claimName"], claim["metadata"]["name"]);
    assert_eq!(claim["spec"]["accessModes"], json!(["ReadWriteOnce"]));

    let Ended { code, output } = deployed().env("LEADER_LOCAL", "").run(&["check"]);
    assert_eq!(code, Some(78), "{output}");
    assert!(output.contains("`leader.local` to `allow`"), "{output}");
}

#[test]
fn the_page_names_settings_that_exist() {
    let schema = schema();
    let sections = schema["properties"].as_object().unwrap();
    let quoted: Vec<_> = PAGE.split('`').skip(1).step_by(2).collect();
    let is_key = |text: &&str| {
        text.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte))
            && text.split_once('.').is_some_and(|(section, _)| sections.contains_key(section))
    };
    let keys: Vec<_> = quoted.iter().copied().filter(is_key).collect();
    assert!(keys.len() >= 10, "{keys:?}");
    for key in keys {
        assert!(setting(&schema, key).is_some(), "the page names {key}");
    }
    for (key, said) in [
        ("lifecycle.start_timeout", "`lifecycle.start_timeout` (60 s)"),
        ("lifecycle.stop_timeout", "`lifecycle.stop_timeout` (25 s)"),
        ("http.idle_timeout", "`http.idle_timeout` (75 s)"),
    ] {
        let told = said.split(['(', ')']).nth(1).unwrap();
        assert!(PAGE.contains(said), "{said}");
        assert_eq!(told, format!("{} s", seconds(key)));
    }
    for code in [
        Exit::CLEAN,
        Exit::RUNNABLE_FAILED,
        Exit::USAGE,
        Exit::START_FAILED,
        Exit::STOP_OVERRAN,
        Exit::CONFIGURATION,
    ] {
        assert!(PAGE.contains(&format!("\n| {code} | ")), "the page leaves out exit code {code}");
    }
}
