import Files
import Foundation
import Hub
import HubStore
import JSON

extension FuzzSubject {
    /// JSON, and what is made of it alone.
    static let texts: [FuzzSubject] = [
        FuzzSubject("json", seeds: ["Tests/JSONTests/Fixtures"]) { bytes in
            for dialect in [JSONDialect.standard, .python] {
                guard let value = try? bytes.withUnsafeBytes({ try JSONValue.parse($0, dialect: dialect) })
                else {
                    continue
                }
                // What was read is written, and read as the same.
                let text = value.serialized()
                guard dialect == .standard else { continue }
                require(try JSONValue.parse(text).serialized() == text, "another value comes back: \(text)")
            }
        },
        FuzzSubject("hub-listing") { bytes in
            _ = try RepositoryListing(bytes, url: "https://hub/api/models/a/b")
        },
        FuzzSubject("hub-names") { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            _ = try? HubRepository(text)
            _ = try? HubDataReference(text)
            _ = RepositoryPath.problem(text)
        },
        FuzzSubject("hub-headers") { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            if let etag = HubHeaders.etag(text) {
                require(RepositoryPath.problem(etag) == nil, "an ETag that is no file name: \(etag)")
            }
            if let size = HubHeaders.size(text) { require(size >= 0, "a size below 0") }
            if let range = HubHeaders.contentRange(text) {
                require(range.start >= 0 && range.start < range.size ?? .max, "a range outside its whole")
            }
            if let seconds = HubHeaders.retryAfter(text) { require(seconds >= 0, "a wait below 0") }
        },
        FuzzSubject("checksummed-file", file: "segment.bin") { _, file in
            let opened = try ChecksummedFile(
                file, format: .init(magic: "FUZZFILE", version: 1), isUsed: false)
            _ = (opened.count, opened.description.count)
        },
    ]
}
