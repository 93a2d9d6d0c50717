use std::{
    fs::{self, File},
    sync::Arc,
    time::Duration,
};

use purlin_core::{
    clock::Clock,
    meter::Meter,
    runnable::{RunCx, Runnable},
};
use purlin_tls::{CertificateWatch, Reload, ServerTls, TlsError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{Authority, load, shown, within};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn new_connections_get_the_new_certificate() {
    let authority = Authority::new();
    let client = authority.client_config();
    let tls = load(&authority.server_config((-1, 30))).unwrap();
    let (first, expires) = (shown(&tls, &client).await, tls.expires());
    assert_eq!(tls.reload().unwrap(), Reload::Unchanged);

    authority.write("server", (-1, 90));
    assert_eq!(tls.reload().unwrap(), Reload::Changed);
    assert_ne!(shown(&tls, &client).await, first);
    assert!(tls.expires() > expires);
}

#[tokio::test]
async fn a_broken_pair_is_refused_once_and_the_old_one_stays() {
    let authority = Authority::new();
    let client = authority.client_config();
    let config = authority.server_config((-1, 30));
    let tls = load(&config).unwrap();
    let first = shown(&tls, &client).await;

    // The certificate is written before its key.
    let (cert, key) = authority.sign((-1, 90));
    fs::write(config.cert.as_ref().unwrap(), cert).unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::Mismatch { .. })));
    assert_eq!(tls.reload().unwrap(), Reload::Unchanged, "it is complained of once");
    assert_eq!(shown(&tls, &client).await, first);
    fs::write(config.key.as_ref().unwrap(), key).unwrap();
    assert_eq!(tls.reload().unwrap(), Reload::Changed);
    let second = shown(&tls, &client).await;
    assert_ne!(second, first);

    authority.write("server", (-90, -1));
    assert!(matches!(tls.reload(), Err(TlsError::NotValid { .. })));
    fs::remove_file(config.cert.as_ref().unwrap()).unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::Read { .. })));
    assert_eq!(shown(&tls, &client).await, second);
}

#[test]
fn a_certificate_that_is_not_valid_yet_is_taken_over_when_it_is() {
    let (clock, hand) = Clock::held();
    let authority = Authority::by(clock.clone());
    let tls = ServerTls::load(&authority.server_config((-1, 30)), &[], clock).unwrap().unwrap();
    let expires = tls.expires();
    authority.write("server", (1, 90));
    assert!(matches!(tls.reload(), Err(TlsError::NotValid { .. })));
    hand.advance(DAY - Duration::from_secs(1));
    assert_eq!(tls.reload().unwrap(), Reload::Unchanged, "it is complained of once");
    hand.advance(Duration::from_secs(1));
    assert_eq!(tls.reload().unwrap(), Reload::Changed);
    assert_eq!(tls.expires(), expires + 60 * DAY);
}

#[test]
fn the_log_warns_once_of_each_certificate_that_comes_to_its_end() {
    let (clock, hand) = Clock::held();
    let authority = Authority::by(clock.clone());
    let config = authority.server_config((-1, 30));
    let log = authority.path("log");
    let writer = Arc::new(File::create(&log).unwrap());
    let warnings = || fs::read_to_string(&log).unwrap().matches("expires in 14 days").count();
    let subscriber = tracing_subscriber::fmt().with_writer(writer).finish();
    tracing::subscriber::with_default(subscriber, || {
        let tls = ServerTls::load(&config, &[], clock).unwrap().unwrap();
        for days in [15, 1] {
            assert_eq!((tls.reload().unwrap(), warnings()), (Reload::Unchanged, 0));
            hand.advance(days * DAY);
        }
        for _ in 0..2 {
            assert_eq!((tls.reload().unwrap(), warnings()), (Reload::Unchanged, 1));
        }
        authority.write("server", (-1, 14));
        assert_eq!((tls.reload().unwrap(), warnings()), (Reload::Changed, 2));
        // Files that cannot be read are no reason to be silent.
        authority.write("server", (-1, 15));
        assert_eq!((tls.reload().unwrap(), warnings()), (Reload::Changed, 2));
        fs::remove_file(config.cert.as_ref().unwrap()).unwrap();
        hand.advance(DAY);
        tls.reload().unwrap_err();
        assert_eq!(warnings(), 3);
    });
}

/// As a mounted secret is replaced: the files are links, and what they point to moves.
#[cfg(unix)]
#[tokio::test]
async fn links_are_followed() {
    let authority = Authority::new();
    let old = authority.write("old", (-1, 30));
    let new = authority.write("new", (-1, 90));
    let mut config = authority.server_config((-1, 1));
    let (cert, key) = (authority.path("tls.crt"), authority.path("tls.key"));
    let link = |(to_cert, to_key): &(std::path::PathBuf, std::path::PathBuf)| {
        for (link, to) in [(&cert, to_cert), (&key, to_key)] {
            let _ = fs::remove_file(link);
            std::os::unix::fs::symlink(to, link).unwrap();
        }
    };
    link(&old);
    (config.cert, config.key) = (Some(cert.clone()), Some(key.clone()));
    let tls = load(&config).unwrap();
    link(&new);
    assert_eq!(tls.reload().unwrap(), Reload::Changed);
}

/// A thousand rewrites, in any order and in halves, and what is shown is always a whole pair.
#[tokio::test]
async fn whatever_is_written_a_whole_pair_is_shown() {
    let authority = Authority::new();
    let client = authority.client_config();
    let config = authority.server_config((-1, 30));
    let tls = load(&config).unwrap();
    let pairs: Vec<_> = (0..4).map(|_| authority.sign((-1, 90))).collect();
    let (cert, key) = (config.cert.unwrap(), config.key.unwrap());
    let (mut changed, mut refused) = (0, 0);
    for turn in 0..1000_usize {
        let pair = &pairs[turn * 7 / 3 % pairs.len()];
        match turn % 5 {
            0 => fs::write(&cert, &pair.0).unwrap(),
            1 => fs::write(&key, &pair.1).unwrap(),
            2 => fs::write(&cert, &pair.0[..pair.0.len() / 2]).unwrap(),
            3 => fs::write(&key, "").unwrap(),
            _ => {
                fs::write(&cert, &pair.0).unwrap();
                fs::write(&key, &pair.1).unwrap();
            }
        }
        match tls.reload() {
            Ok(Reload::Changed) => changed += 1,
            Ok(Reload::Unchanged) => {}
            Err(_) => refused += 1,
        }
        if turn % 50 == 0 {
            shown(&tls, &client).await;
        }
    }
    assert!(changed > 50 && refused > 500, "{changed} changed, {refused} refused");
}

#[tokio::test]
async fn the_watch_looks_by_its_clock() {
    let authority = Authority::new();
    let client = authority.client_config();
    let mut config = authority.server_config((-1, 30));
    config.reload_every = Duration::from_millis(10);
    let tls = Arc::new(ServerTls::load(&config, &[], Clock::system()).unwrap().unwrap());
    let first = shown(&tls, &client).await;

    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    let watch = CertificateWatch::new(tls.clone(), "http", &Meter::noop());
    let cx = RunCx::detached("watch", stop.clone());
    tasks.spawn(async move { watch.run(cx).await });
    authority.write("server", (-1, 90));
    within(async { while shown(&tls, &client).await == first {} }).await;
    stop.cancel();
    within(tasks.join_next()).await.unwrap().unwrap().unwrap();
}
