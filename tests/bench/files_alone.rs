//! The least that reading a folder takes: every file below it is opened, looked at, read into memory of its length and closed.
//! Prints how many bytes there were. `rustc --edition 2024 -O` alone builds it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

fn bytes_below(folder: &Path) -> io::Result<usize> {
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            total += bytes_below(&path)?;
            continue;
        }
        let mut file = File::open(&path)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let mut content = vec![0; length];
        file.read_exact(&mut content)?;
        total += std::hint::black_box(content).len();
    }
    Ok(total)
}

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).ok_or_else(|| io::Error::other("which folder?"))?;
    println!("{}", bytes_below(Path::new(&folder))?);
    Ok(())
}
