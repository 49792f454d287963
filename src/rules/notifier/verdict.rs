//! What an answer to a notification means.
//!
//! Nothing that the other side says is repeated: it may hold secrets.

use std::time::Duration;

use hyper::http::StatusCode;

use crate::post::{Answer, Failure};

/// Whether it was taken; if not, whether another try may help.
///
/// # Errors
/// What went wrong.
pub fn judge(answer: &Answer) -> Result<(), Failure> {
    let (from, status) = (&answer.from, answer.status);
    let refusal = format!("{from} refused it: {status}");
    match status {
        _ if status.is_success() => Ok(()),
        // For these, whoever follows asks with GET, and the message would be lost.
        _ if status.is_redirection() => Err(Failure::Final(format!(
            "{from} says that this is no longer its address ({status}); write the new one"
        ))),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(Failure::Again(refusal, wanted(answer)))
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let hint = "does the address hold the right login or token?";
            Err(Failure::Final(format!("{refusal}; {hint}")))
        }
        _ if status.is_client_error() => Err(Failure::Final(refusal)),
        _ => Err(Failure::Again(refusal, wanted(answer))),
    }
}

fn wanted(answer: &Answer) -> Duration {
    answer.retry_after.unwrap_or_default()
}
