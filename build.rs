//! `include_dir!` alone does not notice a new file: cargo has to watch the folder.
fn main() {
    println!("cargo:rerun-if-changed=policies");
}
