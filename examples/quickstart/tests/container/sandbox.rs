//! A process as the image runs it, by namespaces alone: process 1, with the user, directory and
//! variables of the image, below a read-only root that holds the binary and its libraries.

use std::{
    fs::{self, File},
    io,
    net::SocketAddr,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::{self, Command, ExitStatus, Stdio},
    time::Duration,
};

use purlin::{clock::Clock, testing::eventually};
use serde_json::{Map, Value};
use tokio::process::Child;

use crate::recipe::{self, Stage};

/// Such a process; dropped, it is gone with all that it wrote.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// It made the namespaces, and ends as its child does, which is process 1.
    unshare: Child,
    init: u32,
    scratch: PathBuf,
}

const DEVICES: [&str; 2] = ["/dev/null", "/dev/urandom"];

/// The root is mounted onto itself, so that it can be made read-only but for the data.
const MOUNT: &str = r#"
root=$1 data=$2; shift 2
mount --bind "$root" "$root"
for device in /dev/null /dev/urandom; do mount --bind "$device" "$root$device"; done
mount --bind "$root$data" "$root$data"
mount -o remount,bind,ro "$root"
exec "$@"
"#;

/// For a stop; it has a deadline of its own, which is below this.
const PATIENCE: Duration = Duration::from_secs(60);

/// The shared objects that the loader finds for a program, and the loader.
pub(crate) fn libraries(program: &Path) -> Vec<PathBuf> {
    let told = Command::new("ldd").arg(program).output().expect("glibc comes with ldd");
    let told = String::from_utf8(told.stdout).expect("paths of libraries are UTF-8");
    let path =
        |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(Into::into);
    told.lines().filter_map(path).collect()
}

/// Without root, users are those of a namespace, too.
fn is_root() -> bool {
    fs::metadata("/proc/self").expect("a process has an owner").uid() == 0
}

/// A field of `/proc/<process>/status`; `None` where the process has ended.
fn status(process: u32, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.map(|value| value.trim().to_owned())
}

fn children(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc can be read");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let processes = names.filter_map(|name| name.parse().ok());
    let parent = parent.to_string();
    processes.filter(|&process| status(process, "PPid").as_ref() == Some(&parent)).collect()
}

/// Sends a signal by its name; whether there was somebody to take it.
fn kill(process: u32, name: &str) -> bool {
    let mut kill = Command::new("/bin/sh");
    kill.args(["-c", "kill -s \"$0\" \"$1\"", name.trim_start_matches("SIG")]);
    kill.arg(process.to_string()).status().is_ok_and(|status| status.success())
}

/// Puts the root together: the binary, its libraries, and where something is mounted.
fn fill(root: &Path, program: &Path, image: &Stage) -> io::Result<()> {
    for directory in ["/proc", "/dev", image.only("WORKDIR")] {
        fs::create_dir_all(inside(root, directory))?;
    }
    for device in DEVICES {
        File::create(inside(root, device))?;
    }
    let place = |from: &Path, to: PathBuf| {
        fs::create_dir_all(to.parent().expect("it is below the root"))?;
        // A link costs nothing, where it is the same file system and the file is ours.
        fs::hard_link(from, &to).or_else(|_| fs::copy(from, &to).map(drop))
    };
    place(&program.canonicalize()?, inside(root, image.entrypoint()))?;
    for library in libraries(program) {
        place(&library.canonicalize()?, inside(root, library))?;
    }
    Ok(())
}

fn inside(root: &Path, path: impl AsRef<Path>) -> PathBuf {
    root.join(path.as_ref().strip_prefix("/").expect("paths of the image are absolute"))
}

// === impl Sandbox ===

impl Sandbox {
    /// Runs `program` where the image has its own.
    pub(crate) async fn start(unshare: &str, program: &str, arguments: &[&str]) -> Self {
        let (image, program) = (recipe::image(), Path::new(program));
        let name = program.file_name().expect("a program has a name").display().to_string();
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("container-{}-{name}", process::id()));
        let (root, data) = (scratch.join("root"), image.only("WORKDIR"));
        fill(&root, program, &image).expect("a root can be put together");
        let (user, group) = image.user();
        let (ours, its) = if is_root() {
            chown(inside(&root, data), Some(user), Some(group)).expect("root gives away");
            (None, [format!("--setuid={user}"), format!("--setgid={group}")])
        } else {
            let map = [format!("--map-user={user}"), format!("--map-group={group}")];
            (Some("--map-root-user"), map)
        };
        let output = |name| File::create(scratch.join(name)).expect("a file can be made");
        let mut command = tokio::process::Command::new(unshare);
        command.args(ours).args(["--mount", "/bin/sh", "-ec", MOUNT, "sh"]).arg(&root).arg(data);
        command.arg(unshare).args(["--pid", "--fork", "--mount-proc"]).args(its);
        command.arg(format!("--root={}", root.display())).arg(format!("--wd={data}"));
        command.arg(image.entrypoint()).args(arguments);
        command.env_clear().envs(image.variables()).envs(recipe::given());
        command.stdin(Stdio::null()).stdout(output("stdout")).stderr(output("stderr"));
        let unshare = command.kill_on_drop(true).spawn().expect("it was run before");

        let mut sandbox = Self { unshare, init: 0, scratch };
        eventually(async || {
            if let Some(status) = sandbox.unshare.try_wait().expect("a child can be watched") {
                panic!("{status}: {}", sandbox.errors());
            }
            // Before it, there are those that mount.
            let first = |&child: &u32| {
                status(child, "NSpid").is_some_and(|ids| ids.split_whitespace().last() == Some("1"))
            };
            let parent = sandbox.unshare.id().expect("it has not ended");
            sandbox.init = children(parent).into_iter().find(first).unwrap_or_default();
            sandbox.init != 0
        })
        .await;
        sandbox
    }

    /// What it has logged so far: each line on its standard output has to be a JSON object.
    pub(crate) fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.scratch.join("stdout")).expect("its output is text");
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let object = |line| serde_json::from_str::<Map<_, _>>(line);
        let line = |line| object(line).unwrap_or_else(|error| panic!("{error}: {line}\n{text}"));
        whole.lines().map(line).map(Value::Object).collect()
    }

    /// What it has written to its standard error.
    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(self.scratch.join("stderr")).expect("its output is text")
    }

    /// Where a module says that it listens, once it does.
    pub(crate) async fn address(&self, module: &str) -> SocketAddr {
        let mut address = None;
        eventually(async || {
            let log = self.log();
            let line =
                log.iter().find(|line| line["message"] == "listening" && line["module"] == module);
            address = line.map(|line| line["address"].as_str().and_then(|text| text.parse().ok()));
            address.is_some()
        })
        .await;
        address.flatten().expect("it says an address")
    }

    /// The processes that it has started, or has been left with.
    pub(crate) fn children(&self) -> Vec<u32> {
        children(self.init)
    }

    /// Its user, as itself sees it.
    pub(crate) fn user(&self) -> u32 {
        let told = if is_root() {
            status(self.init, "Uid").expect("it runs")
        } else {
            fs::read_to_string(format!("/proc/{}/uid_map", self.init)).expect("it runs")
        };
        told.split_whitespace().next().and_then(|id| id.parse().ok()).expect("users are numbers")
    }

    /// What it may do that only root may, as a mask.
    pub(crate) fn capabilities(&self) -> u64 {
        let mask = status(self.init, "CapEff").expect("it runs");
        u64::from_str_radix(&mask, 16).expect("a mask is hexadecimal")
    }

    /// Where files can be written: every mount that is not read-only, but for devices and `/proc`.
    pub(crate) fn writable(&self) -> Vec<String> {
        let mounts = fs::read_to_string(format!("/proc/{}/mountinfo", self.init)).expect("it runs");
        // Fields 5 and 6 of proc_pid_mountinfo(5).
        let mounts = mounts.lines().map(|line| line.split(' ').skip(4));
        let mounts = mounts.filter_map(|mut fields| Some((fields.next()?, fields.next()?)));
        let writable =
            mounts.filter(|(_, options)| options.split(',').any(|option| option == "rw"));
        let places = writable.map(|(place, _)| place.to_owned());
        places.filter(|place| place != "/proc" && !DEVICES.contains(&&**place)).collect()
    }

    /// Sends a signal to process 1, from outside of its namespace.
    pub(crate) fn signal(&self, name: &str) {
        assert!(kill(self.init, name), "{name}");
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = Clock::system().timeout(PATIENCE, self.unshare.wait()).await;
        ended.expect("it ends within its time").expect("a child can be waited for")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A kill of `unshare` would leave it behind.
        if self.init != 0 && matches!(self.unshare.try_wait(), Ok(None)) {
            kill(self.init, "SIGKILL");
        }
        // What stays below the directory for such files is cleared with it.
        fs::remove_dir_all(&self.scratch).ok();
    }
}
