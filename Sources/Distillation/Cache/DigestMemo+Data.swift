import Datasets
import Foundation

extension DigestMemo {
    /// The SHA-256 of a data set: its file's, or where its name is a pattern the digest of its files' digests.
    ///
    /// - Throws: `FileError` where a file cannot be read; `DatasetError` where there is none.
    func sha256(ofData url: URL) throws -> String {
        DataFiles.sha256(try DataFiles.files(url).map { try sha256(ofFile: $0) })
    }
}
