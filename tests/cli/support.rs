//! Runs the binary with a scrubbed environment.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use assert_cmd::Command;

/// What a run printed.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// `policy verdict element-or-name` of each result.
    pub fn results(&self) -> Vec<String> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let results = self.json()["results"].as_array().cloned().unwrap_or_default();
        let line = |result: &serde_json::Value| {
            let subject = &result["subject"];
            let name = if subject["element"].is_string() { &subject["element"] } else { &subject["name"] };
            format!("{} {} {}", text(&result["policy"]), text(&result["verdict"]), text(name))
        };
        results.iter().map(line).collect()
    }

    /// `reason what` of each gap.
    pub fn gaps(&self) -> Vec<String> {
        let gaps = self.json()["gaps"].as_array().cloned().unwrap_or_default();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        gaps.iter().map(|gap| format!("{} {}", text(&gap["reason"]), text(&gap["what"]))).collect()
    }
}

/// `azaudit` with these arguments and that standard input, in the repository's folder.
pub fn azaudit_with_input(arguments: &[&str], input: impl Into<Vec<u8>>) -> Ran {
    run(arguments, &[], input.into())
}

/// `azaudit` with these arguments and environment variables.
pub fn azaudit_with_env(arguments: &[&str], variables: &[(&str, String)]) -> Ran {
    run(arguments, variables, Vec::new())
}

fn run(arguments: &[&str], variables: &[(&str, String)], input: Vec<u8>) -> Ran {
    run_in(Path::new(env!("CARGO_MANIFEST_DIR")), arguments, variables, input)
}

fn run_in(folder: &Path, arguments: &[&str], variables: &[(&str, String)], input: Vec<u8>) -> Ran {
    let mut command = Command::cargo_bin("azaudit").expect("the binary is built");
    command.current_dir(folder).env_clear().args(arguments).write_stdin(input);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let output = command.output().expect("it starts");
    Ran {
        code: output.status.code().expect("it ends by itself"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// `azaudit` with these arguments.
pub fn azaudit(arguments: &[&str]) -> Ran {
    azaudit_with_input(arguments, "")
}

/// `azaudit` with these arguments, in that folder.
pub fn azaudit_in(folder: &Path, arguments: &[&str]) -> Ran {
    run_in(folder, arguments, &[], Vec::new())
}

/// `azaudit` with its output cut off, as by `| head`.
pub fn azaudit_into_closed_pipe(arguments: &[&str]) -> i32 {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("azaudit"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    drop(child.stdout.take());
    child.wait().expect("it ends").code().expect("by itself")
}

/// A folder that holds these files.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
            std::fs::write(path, content).expect("written");
        }
        Self(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}
