//! Packages that are whole, torn, flipped, or something else.

use super::*;
use crate::clock::UtcMillis;

fn made(folder: &Path) -> (PathBuf, Manifest) {
    let mut files = Vec::new();
    let mut packed = Vec::new();
    for (name, bytes) in [
        ("hearth.toml", 10),
        ("rules.d/a.toml", 0),
        ("state.db", 700_000),
    ] {
        let file = folder.join(flat(name));
        let text: Vec<u8> = (0..bytes).map(|nth| (nth % 251) as u8).collect();
        std::fs::write(&file, text).unwrap();
        let (bytes, sha256) = sum_of(&file, &mut Progress::new("summed up")).unwrap();
        let name = name.to_owned();
        packed.push(Packed {
            name,
            bytes,
            sha256,
            rows: Vec::new(),
        });
        files.push(file);
    }
    let manifest = Manifest::new("pi".to_owned(), UtcMillis(1000), packed);
    let path = folder.join("backup.tar");
    write(&path, &manifest, &files, &mut Progress::new("packed")).unwrap();
    (path, manifest)
}

fn unpack_here(path: &Path) -> anyhow::Result<()> {
    unpack(path, None, &mut Progress::new("unpacked"))
}

#[test]
fn a_package_is_unpacked_as_it_was_packed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, manifest) = made(folder.path());
    assert_eq!(open(&path).unwrap(), manifest);
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    unpack(&path, Some(&out), &mut Progress::new("unpacked")).unwrap();
    for file in &manifest.files {
        let sum = sum_of(&out.join(flat(&file.name)), &mut Progress::new("summed up")).unwrap();
        assert_eq!(sum, (file.bytes, file.sha256.clone()));
    }
    assert_eq!(text_of(&path, "rules.d/a.toml").unwrap(), "");
    use std::os::unix::fs::MetadataExt;
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_flipped_byte_and_a_missing_end_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = made(folder.path());
    let whole = std::fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[500_000] ^= 1;
    std::fs::write(&path, flipped).unwrap();
    let said = format!("{:#}", unpack_here(&path).unwrap_err());
    assert!(said.contains("damaged in state.db"), "{said}");
    for end in [whole.len() / 2, 3000, 600, 100] {
        std::fs::write(&path, &whole[..end]).unwrap();
        assert!(unpack_here(&path).is_err(), "{end}");
    }
}

#[test]
fn other_files_are_no_backups() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    std::fs::write(&path, "no tar ".repeat(1000)).unwrap();
    assert!(format!("{:#}", open(&path).unwrap_err()).contains("no backup of Hearth"));
    let mut tar = Builder::new(File::create(&path).unwrap());
    tar.append_data(&mut header(1, 0), "other", &b"x"[..])
        .unwrap();
    tar.into_inner().unwrap();
    assert!(format!("{:#}", open(&path).unwrap_err()).contains("no backup of Hearth"));
}

#[test]
fn what_is_packed_leaves_its_place_to_the_package() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    std::fs::write(&file, vec![7; 5 << 20]).unwrap();
    let (bytes, sha256) = sum_of(&file, &mut Progress::new("summed up")).unwrap();
    let packed = Packed {
        name: "history.db".to_owned(),
        bytes,
        sha256,
        rows: Vec::new(),
    };
    let manifest = Manifest::new("pi".to_owned(), UtcMillis(1000), vec![packed]);
    let path = folder.path().join("backup.tar");
    write(
        &path,
        &manifest,
        std::slice::from_ref(&file),
        &mut Progress::new("packed"),
    )
    .unwrap();
    unpack_here(&path).unwrap();
    let copy = File::options().write(true).open(&file).unwrap();
    if give_back(&copy, 0, 4096).is_ok() {
        let left = copy.metadata().unwrap().blocks() * 512;
        assert!(left <= 3 << 20, "{left}");
    }
}
