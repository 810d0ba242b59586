//! Files: uploads, their bytes and their text.
