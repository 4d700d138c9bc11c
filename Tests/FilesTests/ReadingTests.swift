import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("Reading files")
struct ReadingTests {
    @Test("a mapped file shows the file's bytes, also after the file is replaced or removed")
    func mapped() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "file")
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try AtomicFile.write(bytes, to: url)
            let mapped = try MappedFile(url)
            #expect(mapped.count == bytes.count)
            #expect(mapped.bytes.elementsEqual(bytes))
            try AtomicFile.write("new", to: url)
            try FileManager.default.removeItem(at: url)
            #expect(mapped.bytes.elementsEqual(bytes))
        }
    }

    @Test("an empty file maps to no bytes")
    func empty() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "file")
            try url.put("")
            let mapped = try MappedFile(url)
            #expect(mapped.count == 0 && mapped.bytes.isEmpty)
        }
    }

    @Test("what cannot be read is named")
    func unreadable() throws {
        try withTemporaryDirectory { directory in
            let missing = directory.appending(path: "none")
            #expect(throws: FileError.missing(missing.plainPath)) { try MappedFile(missing) }
            #expect(throws: FileError.missing(missing.plainPath)) { try Digest.sha256(ofFile: missing) }
            #expect(throws: FileError.notAFile(directory.plainPath)) { try MappedFile(directory) }
            #expect(throws: FileError.notAFile(directory.plainPath)) { try Digest.sha256(ofFile: directory) }
            #expect(
                FileError.missing("a/b").description == "a/b: no such file or directory; check the path")
        }
    }

    @Test(
        "digests are SHA-256 (values of FIPS 180-4 and of Python's hashlib)",
        arguments: [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (3_000_000, "f4096a131e7e6ebfa7a512b5c299e13b065df34d15624ee1202ab394cc4d7e90"),
        ])
    func digests(count: Int, digest: String) throws {
        let bytes = (0..<count).map { UInt8(ascii: "a") + UInt8($0 % 3) }  // "abcabc…"
        #expect(Digest.sha256(bytes) == digest)
        #expect(Digest.sha256(bytes.lazy.map { $0 }) == digest)
        #expect(Digest.sha256(String(decoding: bytes, as: UTF8.self)) == digest)
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "file")
            try AtomicFile.write(bytes, to: url)
            #expect(try Digest.sha256(ofFile: url) == digest)
        }
    }
}
