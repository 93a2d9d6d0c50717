//! From before the first module until after the last one.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex},
};

use purlin_admin::AdminModule;
use purlin_core::{
    app::App,
    config::{Inputs, NoConfig},
    error::Result,
    event::Event,
    init::Init,
    module::Module,
};
use purlin_testing::{Client, TestApp};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc::unbounded_channel};

/// A module that starts when it is let, and looks at the admin server when it is undone.
struct Slow {
    go: Arc<Notify>,
    address: Arc<Mutex<Option<SocketAddr>>>,
    seen: tokio::sync::mpsc::UnboundedSender<(u16, Value)>,
}

impl Module for Slow {
    const NAME: &'static str = "slow";
    type Config = NoConfig;
    type Needs = ();
    type Gives = ();

    async fn init(&self, _: NoConfig, (): (), cx: &mut Init) -> Result<()> {
        self.go.notified().await;
        let seen = self.seen.clone();
        cx.undo("look around", &self.address, |address| async move {
            let address = address.lock().unwrap().unwrap();
            let answer = Client::new(address).get("/readyz").await;
            seen.send((answer.status.as_u16(), answer.json())).unwrap();
        });
        Ok(())
    }
}

#[tokio::test]
async fn it_is_there_before_the_first_module_and_after_the_last() {
    let (listening, mut addresses) = unbounded_channel();
    let (seen, mut undone) = unbounded_channel();
    let (go, address) = (Arc::new(Notify::new()), Arc::new(Mutex::new(None)));
    let builder = App::builder()
        .package(purlin_core::package!())
        .shell(AdminModule)
        .module(Slow { go: go.clone(), address: address.clone(), seen })
        .on_event(move |event| {
            if let Event::Listening { address, .. } = event {
                listening.send(*address).unwrap();
            }
        });
    let while_starting = async {
        let bound = addresses.recv().await.unwrap();
        assert!(bound.ip().is_loopback());
        *address.lock().unwrap() = Some(bound);
        let admin = Client::new(bound);
        admin.get("/healthz").await.expect(200);
        admin.get("/live").await.expect(200);
        for path in ["/readyz", "/ready"] {
            let answer: Value = admin.get(path).await.expect(503).json();
            assert_eq!(answer, json!({ "status": "not ready", "reasons": ["starting"] }));
        }
        let modules: Value = admin.get("/modules").await.expect(200).json();
        let slow = modules.as_array().unwrap().iter().find(|module| module["name"] == "slow");
        assert_eq!(slow.unwrap()["state"], "starting");
        go.notify_one();
    };
    let (app, ()) = tokio::join!(TestApp::start(builder), while_starting);
    let admin = app.admin();
    assert_eq!(
        admin.get("/readyz").await.expect(200).json::<Value>(),
        json!({ "status": "ready" })
    );

    assert!(app.stop().await.is_clean());
    let stopping = json!({ "status": "not ready", "reasons": ["stopping"] });
    assert_eq!(undone.recv().await.unwrap(), (503, stopping));
    let error = admin.get("/live").send().await.unwrap_err();
    assert!(error.is_connect(), "the port is closed: {error}");
}

#[tokio::test]
async fn a_port_in_use_is_told_with_the_setting_to_change() {
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = other.local_addr().unwrap().port();
    let inputs = Inputs::of_variables([("HEALTHCHECK_PORT", port.to_string())]);
    let error = App::builder()
        .package(purlin_core::package!())
        .shell(AdminModule)
        .inputs(inputs)
        .start()
        .await
        .unwrap_err();
    let error = error.to_string();
    let cause = format!("address 127.0.0.1:{port} is in use");
    for said in [&*cause, "set        admin.listen (env HEALTHCHECK_PORT)", "fix        stop"] {
        assert!(error.contains(said), "no {said} in: {error}");
    }
}

#[tokio::test]
async fn a_path_that_is_taken_is_refused_before_anything_starts() {
    let inputs = Inputs::of_variables([("HEALTHCHECK_PATH", "/health")]);
    let error = App::builder()
        .package(purlin_core::package!())
        .shell(AdminModule)
        .inputs(inputs)
        .build()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("HEALTHCHECK_PATH") && error.contains("shows something else"),
        "{error}"
    );
    let inputs = Inputs::of_variables([("ADMIN_TOKEN", "hunter2")]);
    let error = App::builder()
        .package(purlin_core::package!())
        .shell(AdminModule)
        .inputs(inputs)
        .build()
        .unwrap_err()
        .to_string();
    assert!(error.contains("ADMIN_TOKEN") && !error.contains("hunter2"), "{error}");
}
