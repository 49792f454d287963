//! Times as PostgreSQL has them: microseconds since the year 2000, with a zone that is
//! always UTC.

use sqlx::decode::Decode;
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef};
use sqlx::{Postgres, Type};

use crate::clock::UtcMillis;

/// `timestamptz` and an array of them, as in every PostgreSQL.
const TYPE: Oid = Oid(1184);
const ARRAY: Oid = Oid(1185);
/// Midnight of 1 January 2000.
const EPOCH: i64 = 946_684_800_000;
/// PostgreSQL knows times from the year 4714 before to 294276 after; what is further away
/// is put there.
const RANGE: (i64, i64) = (-210_866_803_200_000, 9_224_318_015_999_999);

/// A time, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(pub UtcMillis);

impl Stamp {
    fn micros(self) -> i64 {
        (self.0.0.clamp(RANGE.0, RANGE.1) - EPOCH) * 1000
    }

    fn from_micros(micros: i64) -> Stamp {
        Stamp(UtcMillis(micros.div_euclid(1000).saturating_add(EPOCH)))
    }
}

impl Type<Postgres> for Stamp {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TYPE)
    }

    fn compatible(found: &PgTypeInfo) -> bool {
        found.oid() == Some(TYPE)
    }
}

impl PgHasArrayType for Stamp {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(ARRAY)
    }
}

impl Encode<'_, Postgres> for Stamp {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(self.micros(), buffer)
    }

    fn size_hint(&self) -> usize {
        size_of::<i64>()
    }
}

impl<'r> Decode<'r, Postgres> for Stamp {
    fn decode(value: PgValueRef<'r>) -> Result<Stamp, BoxDynError> {
        let micros = <i64 as Decode<Postgres>>::decode(value)?;
        Ok(Stamp::from_micros(micros))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ends_of_time_are_within_what_postgresql_knows() {
        let first = Stamp(UtcMillis(i64::MIN)).micros();
        let last = Stamp(UtcMillis(i64::MAX)).micros();
        assert_eq!(first, -211_813_488_000_000_000);
        assert_eq!(last, 9_223_371_331_199_999_000);
        assert_eq!(Stamp(UtcMillis(EPOCH)).micros(), 0);
    }

    proptest! {
        #[test]
        fn a_time_comes_back(at in RANGE.0..=RANGE.1) {
            let stamp = Stamp(UtcMillis(at));
            prop_assert_eq!(Stamp::from_micros(stamp.micros()), stamp);
        }
    }
}
