//! A file as the body of an answer: never more of it in memory than is on its way.

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::fs::File;
use tokio::io::{AsyncRead as _, ReadBuf};

/// Bytes of one piece.
const PIECE: usize = 64 * 1024;

/// The rest of a file.
pub(super) struct Pieces {
    file: File,
    left: u64,
    piece: Vec<u8>,
}

impl Pieces {
    /// The next `length` bytes of a file.
    pub(super) fn of(file: std::fs::File, length: u64) -> Self {
        let mut file = File::from_std(file);
        file.set_max_buf_size(PIECE);
        Self {
            file,
            left: length,
            piece: vec![0; PIECE],
        }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let own = self.get_mut();
        if own.left == 0 {
            return Poll::Ready(None);
        }
        let wanted = usize::try_from(own.left).map_or(PIECE, |left| left.min(PIECE));
        let mut piece = ReadBuf::new(own.piece.get_mut(..wanted).unwrap_or_default());
        let read = ready!(Pin::new(&mut own.file).poll_read(context, &mut piece));
        let read = match (read, piece.filled()) {
            (Ok(()), []) => Err(ErrorKind::UnexpectedEof.into()),
            (Ok(()), filled) => Ok(Bytes::copy_from_slice(filled)),
            (Err(error), _) => Err(error),
        };
        own.left -= read.as_ref().map_or(0, |read| read.len() as u64);
        Poll::Ready(Some(read.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
