//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file could not be written; what stood there before still does.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {error}{}", super::text::visible(&path.to_string_lossy()), hint(path, error))]
pub struct WriteError {
    path: PathBuf,
    error: io::Error,
}

fn hint(path: &Path, error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound if !folder_of(path).exists() => "\nhint: create its folder first",
        io::ErrorKind::PermissionDenied => {
            "\nhint: its folder must be writable too: the file is written beside and renamed"
        }
        io::ErrorKind::IsADirectory => "\nhint: name a file in that folder",
        _ => "",
    }
}

/// Writes a file by way of a temporary one in the same folder, which takes its name when `content` has written
/// everything: readers see the old file or the new one, and an error leaves the old one in place.
///
/// A symbolic link is followed. What is no regular file (`/dev/stdout`, a pipe) is written as it comes.
///
/// # Errors
///
/// [`WriteError`], with the path and what was wrong.
pub fn write_whole(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), WriteError> {
    write(path, content).map_err(|error| WriteError { path: path.to_owned(), error })
}

fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let there = match fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => return fill(File::options().write(true).open(path)?, content).map(drop),
        Ok(there) => Some(there),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let target = if there.is_some() { fs::canonicalize(path)? } else { path.to_owned() };

    // Opened here and not by tempfile: a report is an ordinary file, as the umask has it, and the error that
    // tempfile makes names its random path.
    let new = |path: &Path| File::options().write(true).create_new(true).open(path);
    let (file, beside) = tempfile::Builder::new().prefix(".azaudit-").make_in(folder_of(&target), new)?.into_parts();
    if let Some(there) = there {
        file.set_permissions(there.permissions())?;
    }
    fill(file, content)?.sync_all()?;
    beside.persist(&target).map_err(|error| error.error)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn fill(file: File, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<File> {
    let mut out = BufWriter::with_capacity(1 << 16, file);
    content(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_holds_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        write_whole(&path, |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(files(folder.path()), ["report.json"]);
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        let error = write_whole(&path, |out| {
            out.write_all(b"half of the new one")?;
            Err(io::Error::other("disk full"))
        });
        assert!(error.unwrap_err().to_string().ends_with("report.json`: disk full"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(files(folder.path()), ["report.json"]);
    }

    #[test]
    fn a_missing_folder_is_explained_by_the_path_that_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no/report.json");
        let reason = File::open(&path).unwrap_err();
        let error = write_whole(&path, |_| Ok(())).unwrap_err().to_string();
        assert_eq!(error, format!("cannot write `{}`: {reason}\nhint: create its folder first", path.display()));
    }

    #[test]
    fn a_folder_that_is_there_is_not_to_be_created() {
        let folder = tempfile::tempdir().unwrap();
        let missing = || Err(io::ErrorKind::NotFound.into());
        let error = write_whole(&folder.path().join("report.json"), |_| missing()).unwrap_err().to_string();
        assert!(!error.contains("hint:"), "{error}");
        let error = write_whole(&folder.path().join("no/report.json"), |_| missing()).unwrap_err().to_string();
        assert!(error.ends_with("\nhint: create its folder first"), "{error}");
    }

    #[test]
    fn a_folder_as_the_target_is_explained() {
        let folder = tempfile::tempdir().unwrap();
        let directory = write_whole(folder.path(), |_| Ok(())).unwrap_err().to_string();
        assert!(directory.ends_with("\nhint: name a file in that folder"), "{directory}");
    }

    #[test]
    fn a_path_cannot_add_a_line_to_the_message() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_whole(&folder.path().join("no\nerror: x/r.json"), |_| Ok(())).unwrap_err().to_string();
        assert!(error.contains(r"no\nerror: x/r.json`: "), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_the_permissions_of_any_other() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        let (ours, other) = (folder.path().join("ours"), folder.path().join("other"));
        write_whole(&ours, |_| Ok(())).unwrap();
        fs::write(&other, "").unwrap();
        assert_eq!(mode(&ours), mode(&other));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&real, &link).unwrap();
        write_whole(&link, |out| out.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_and_stays_a_device() {
        let null = Path::new("/dev/null");
        write_whole(null, |out| out.write_all(b"x")).unwrap();
        assert!(!fs::metadata(null).unwrap().is_file());
    }
}
