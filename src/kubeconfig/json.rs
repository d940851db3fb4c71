//! A kubeconfig as JSON, for a client that reads it as client-go does.
//!
//! In: the tree. Out: all of it, with the paths in it absolute. Numbers and truth values are what go-yaml makes of them.
//!
//! Source: client-go `tools/clientcmd` (`ResolveLocalPaths`, `GetClusterFileReferences`, `GetAuthInfoFileReferences`).

use std::path::Path;

use serde_json::Value;

use super::{Kubeconfig, KubeconfigError};
use crate::yaml;

impl Kubeconfig {
    /// The whole document; a relative path in it is one of `folder`, which the file is in.
    ///
    /// # Errors
    /// [`KubeconfigError`] when a field cannot be written as JSON.
    pub fn to_json(&self, folder: &Path) -> Result<Value, KubeconfigError> {
        let mut document: Value = yaml::from_clients(self.to_yaml().expose())
            .map_err(|error| KubeconfigError::InvalidYaml { line: 1, column: 1, problem: error.to_string() })?;
        for (list, inner, fields) in [
            ("clusters", "cluster", &["certificate-authority"][..]),
            ("users", "user", &["client-certificate", "client-key", "tokenFile"]),
        ] {
            let entries = document.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
            for part in entries.filter_map(|entry| entry.get_mut(inner)) {
                for field in fields {
                    resolve(part, field, folder, |_| true);
                }
                // A program's bare name is looked up in `PATH`, not in the folder.
                if let Some(exec) = part.get_mut("exec") {
                    resolve(exec, "command", folder, |path| path.contains('/'));
                }
            }
        }
        Ok(document)
    }
}

/// Makes a path of the folder absolute.
fn resolve(part: &mut Value, field: &str, folder: &Path, is_path: impl Fn(&str) -> bool) {
    if let Some(Value::String(path)) = part.get_mut(field)
        && !path.is_empty()
        && is_path(path)
    {
        *path = folder.join(&*path).display().to_string();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_files_folder() {
        let text = "clusters: [{name: a, cluster: {server: 'https://x', certificate-authority: pki/ca.crt}}]\n\
                    users:\n- name: b\n  user:\n    client-key: /abs.key\n    tokenFile: ../token\n    exec: {command: ./login, args: ['1']}\n\
                    - name: c\n  user:\n    exec: {command: login}\n";
        let json = Kubeconfig::parse(text.as_bytes()).unwrap().to_json(Path::new("/etc/k")).unwrap();
        let user = |place: usize| json["users"][place]["user"].clone();
        assert_eq!(json["clusters"][0]["cluster"]["certificate-authority"], "/etc/k/pki/ca.crt");
        assert_eq!(user(0)["client-key"], "/abs.key");
        assert_eq!(user(0)["tokenFile"], "/etc/k/../token");
        assert_eq!(user(0)["exec"]["command"], "/etc/k/./login");
        assert_eq!(user(0)["exec"]["args"][0], "1");
        assert_eq!(user(1)["exec"]["command"], "login");
    }
}
