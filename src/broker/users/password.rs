//! Passwords: how they are kept, and how one is recognised.
//!
//! Only hashes are kept: argon2id at OWASP's minimum, which costs an attacker
//! with the file 19 MiB of memory for each guess, and a Pi about a tenth of a
//! second for each login.

use argon2::password_hash::phc::{PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use thiserror::Error;

/// 19 MiB, two rounds, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const ROUNDS: u32 = 2;
const LANES: u32 = 1;
/// A proof is made at each login, and must be cheap.
const PROOF_KIB: u32 = 64;
const PROOF_BYTES: usize = 32;
/// Shorter passwords are found by trying.
const FEWEST_CHARS: usize = 8;
/// Longer ones are a slip, such as a file in place of a password.
const MOST_BYTES: usize = 1024;

/// A hash of the same cost as any, of a password that nobody has: who is no
/// user must not be told by a quicker answer.
pub const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$Tm9ib2R5J3Mgc2FsdC4$\
                           AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password cannot be taken. None of these repeats it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unfit {
    #[error(
        "the password is too short: take at least {FEWEST_CHARS} characters, such as four words"
    )]
    Short,
    #[error("the password is longer than {MOST_BYTES} bytes")]
    Long,
    #[error("the password cannot be hashed: this computer has too little memory left")]
    NoMemory,
}

/// The hash to keep of a new password, with a salt of its own.
///
/// # Errors
/// If the password is unfit.
pub fn hash(password: &str) -> Result<String, Unfit> {
    if password.chars().count() < FEWEST_CHARS {
        return Err(Unfit::Short);
    }
    if password.len() > MOST_BYTES {
        return Err(Unfit::Long);
    }
    let hash = hasher().and_then(|hasher| hasher.hash_password(password.as_bytes()).ok());
    hash.map(|hash| hash.to_string()).ok_or(Unfit::NoMemory)
}

/// Whether the hash is this password's. Takes its time.
pub fn verify(password: &[u8], hash: &str) -> bool {
    let parsed = PasswordHash::new(hash).ok();
    // What the hash itself says of its cost holds.
    parsed.is_some_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

fn hasher() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, ROUNDS, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Makes proofs: quick hashes by which this process knows a password again that
/// it has verified, keyed with a secret that only its memory holds. Whoever can
/// read that can read each password that comes in, too.
pub struct Prover {
    secret: Salt,
}

/// See [`Prover`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof([u8; PROOF_BYTES]);

impl Prover {
    /// One with a random secret.
    pub fn with_secret() -> Prover {
        Prover {
            secret: Salt::generate(),
        }
    }

    /// The proof that this password was given for this hash.
    pub fn proof(&self, password: &[u8], hash: &str) -> Option<Proof> {
        let params = Params::new(PROOF_KIB, 1, 1, None).ok()?;
        let keyed =
            Argon2::new_with_secret(&self.secret, Algorithm::Argon2id, Version::V0x13, params);
        let mut bytes = [0; PROOF_BYTES];
        // The hash holds its salt, so it is as good as one.
        let made = keyed
            .ok()?
            .hash_password_into(password, hash.as_bytes(), &mut bytes);
        made.ok().map(|()| Proof(bytes))
    }
}

impl std::fmt::Debug for Prover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prover")
    }
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_recognised_by_its_hash() {
        let hashed = hash("correct horse").unwrap();
        assert!(
            hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hashed}"
        );
        assert!(verify(b"correct horse", &hashed));
        assert!(!verify(b"correct horsf", &hashed) && !verify(b"", &hashed));
        assert_ne!(
            hash("correct horse").unwrap(),
            hashed,
            "each has its own salt"
        );
    }

    #[test]
    fn nobodys_hash_costs_what_others_cost_and_is_nobodys() {
        let cost = |hash: &str| {
            let hash = PasswordHash::new(hash).unwrap();
            let output = hash.hash.unwrap().len();
            (hash.algorithm, hash.version, hash.params.clone(), output)
        };
        assert_eq!(cost(NOBODYS), cost(&hash("correct horse").unwrap()));
        assert!(!verify(b"", NOBODYS) && !verify(b"correct horse", NOBODYS));
    }

    #[test]
    fn unfit_passwords_are_not_repeated() {
        assert_eq!(hash("secret"), Err(Unfit::Short));
        assert_eq!(hash("ééééééé"), Err(Unfit::Short));
        assert_eq!(hash(&"x".repeat(2000)), Err(Unfit::Long));
        assert!(!Unfit::Short.to_string().contains("secret"));
    }

    #[test]
    fn a_hash_that_is_none_recognises_nobody() {
        for hash in ["", "correct horse", "$argon2id$v=19$m=19456", "$2b$10$abc"] {
            assert!(!verify(b"correct horse", hash), "{hash}");
        }
    }

    #[test]
    fn a_proof_is_of_one_password_hash_and_process() {
        let (prover, hash) = (Prover::with_secret(), NOBODYS);
        let proof = prover.proof(b"correct horse", hash).unwrap();
        assert!(prover.proof(b"correct horse", hash).unwrap() == proof);
        assert!(prover.proof(b"correct horsf", hash).unwrap() != proof);
        assert!(prover.proof(b"correct horse", "another hash").unwrap() != proof);
        assert!(Prover::with_secret().proof(b"correct horse", hash).unwrap() != proof);
    }
}
