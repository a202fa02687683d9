//! `TimeStampResp` (RFC 3161 §2.4.2).

use super::{Request, Stamped, TimeStampError, Token, opened};
use crate::clock::UnixTime;
use crate::pki::asn1::{BIT_STRING, INTEGER, SEQUENCE};
use crate::pki::certificate::Certificate;

/// An answer that grants a time stamp. Not checked yet; see [`Self::accept`].
#[derive(Clone, Debug)]
pub struct Answer {
    token: Token,
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`TimeStampError`]; [`TimeStampError::Refused`] when the authority gives none.
    pub fn parse(bytes: &[u8]) -> Result<Self, TimeStampError> {
        let mut parts = opened(bytes)?;
        let mut status = parts.expect(SEQUENCE)?.inside();
        let token = parts.optional(SEQUENCE)?;
        parts.end()?;
        let number = status.expect(INTEGER)?.small()?;
        status.optional(SEQUENCE)?;
        let failure = status.optional(BIT_STRING)?;
        status.end()?;
        match number {
            // Granted, granted with modifications.
            0 | 1 => {
                let token = token.ok_or(TimeStampError::NoToken)?;
                Token::parse_fresh(token.raw).map(|token| Self { token })
            }
            status => Err(TimeStampError::Refused {
                status,
                failure: failure.and_then(|bits| first_bit(bits.content)),
            }),
        }
    }

    /// The token, if it answers this request, is signed by an authority below one of the `roots`, and says a
    /// time between the question and now. Clocks may differ by `skew` seconds and by what the authority says
    /// of its own.
    ///
    /// # Errors
    /// [`TimeStampError`].
    pub fn accept(
        self,
        request: &Request,
        roots: &[Certificate],
        asked: UnixTime,
        now: UnixTime,
        skew: i64,
    ) -> Result<(Token, Stamped), TimeStampError> {
        let info = self.token.info();
        let hash = request.hash.map_err(TimeStampError::Digest)?;
        if info.hash.map_err(TimeStampError::Digest)? != hash || info.digest != request.digest {
            return Err(TimeStampError::Imprint);
        }
        if info.nonce != request.nonce {
            return Err(TimeStampError::Nonce);
        }
        if request.policy.is_some_and(|wanted| wanted != info.policy()) {
            return Err(TimeStampError::Policy(info.policy()));
        }
        let (earliest, latest) = (asked.plus(skew.saturating_neg()), now.plus(skew));
        let stamped = info.time();
        if info.latest() < earliest || info.earliest() > latest {
            return Err(TimeStampError::Time {
                stamped,
                earliest,
                latest,
            });
        }
        let checked = self.token.check(&[], roots, stamped)?;
        Ok((self.token, checked))
    }
}

/// The number of the first bit that is set, behind the count of unused ones.
fn first_bit(bits: &[u8]) -> Option<u8> {
    let (_, bytes) = bits.split_first()?;
    let at = bytes.iter().position(|byte| *byte != 0)?;
    let zeros = bytes.get(at)?.leading_zeros();
    let number = at
        .checked_mul(8)?
        .checked_add(usize::try_from(zeros).ok()?)?;
    u8::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::timestamp::refused;

    #[test]
    fn a_refusal_says_its_status_and_its_failure() {
        for failure in [0, 2, 5, 14, 15, 16, 17, 25] {
            let answer = Answer::parse(&refused(failure)).unwrap_err();
            assert_eq!(
                answer,
                TimeStampError::Refused {
                    status: 2,
                    failure: Some(failure)
                }
            );
        }
    }

    #[test]
    fn what_is_granted_without_a_token_or_is_no_answer_has_its_own_error() {
        let granted = [0x30, 5, 0x30, 3, 2, 1, 0];
        assert_eq!(
            Answer::parse(&granted).unwrap_err(),
            TimeStampError::NoToken
        );
        for other in [
            &b"<html>504</html>"[..],
            b"",
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 5, 0x30, 3, 2, 1, 0],
        ] {
            assert_eq!(Answer::parse(other).unwrap_err(), TimeStampError::Malformed);
        }
        assert_eq!(
            Answer::parse(&vec![0x30; crate::limits::TIME_STAMP + 1]).unwrap_err(),
            TimeStampError::TooLarge
        );
    }
}
