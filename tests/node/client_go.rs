//! What Kubernetes itself says of a file: `tests/hostile/kubeconfig-judge`, where Go is at hand.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The judge's program, built once; `None`, and a word why, where there is no Go or no client-go to be had.
fn judge() -> Option<&'static Path> {
    static JUDGE: OnceLock<Option<PathBuf>> = OnceLock::new();
    JUDGE
        .get_or_init(|| {
            let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/kubeconfig-judge");
            let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kubeconfig-judge");
            let go = if Path::new("/usr/local/go/bin/go").exists() { "/usr/local/go/bin/go" } else { "go" };
            let built = Command::new(go).args(["build", "-o"]).arg(&program).arg(".").current_dir(sources).output();
            match built {
                Ok(output) if output.status.success() => Some(program),
                Ok(output) => {
                    eprintln!("not judged by client-go: {}", String::from_utf8_lossy(&output.stderr));
                    None
                }
                Err(error) => {
                    eprintln!("not judged by client-go: there is no Go here ({error})");
                    None
                }
            }
        })
        .as_deref()
}

/// The verdict on every file of `folder`: `kubeconfigs` or `public-keys`.
pub fn verdicts(kind: &str, folder: &Path) -> Option<Value> {
    let output = Command::new(judge()?).arg(kind).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
