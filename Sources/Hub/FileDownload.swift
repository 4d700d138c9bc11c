import Files
import Foundation
import NIOCore
import NIOHTTP1

/// Fetches one file into the cache's blobs.
struct FileDownload: Sendable {
    let transport: HubTransport
    let cache: HubCache
    let file: FileMetadata
    /// Told how many bytes more there are; negative where a download starts again.
    let moved: @Sendable (Int) -> Void

    /// Fetches the file unless its blob is there, checks it, and links it into the snapshot.
    ///
    /// - Throws: `HubError`.
    func run() async throws {
        let blob = cache.blob(file.etag)
        let lockURL = cache.lock(file.etag)
        try cache.make(blob.deletingLastPathComponent())
        try cache.make(lockURL.deletingLastPathComponent())
        let lock = try await CacheLock(lockURL)
        if HubCache.exists(blob) {
            moved(HubCache.size(blob))
        } else {
            // A link to nothing, as a deleted shared blob leaves it.
            unlink(blob.path)
            try await fetch(to: blob)
        }
        try cache.link(file.name, file.commit, to: file.etag)
        _ = consume lock
    }

    private func fetch(to blob: URL) async throws {
        let incomplete = cache.takeIncomplete(file.etag)
        let resumed = HubCache.size(incomplete)
        do {
            try await fetch(into: incomplete)
            try verify(incomplete)
        } catch let error as HubError where resumed > 0 {
            // The partial file may have been bad: start once more from nothing.
            guard case .wrongDigest = error else { throw error }
            moved(-HubCache.size(incomplete))
            unlink(incomplete.path)
            try await fetch(into: incomplete)
            try verify(incomplete)
        }
        guard rename(incomplete.path, blob.path) == 0 else {
            throw HubError.cache(path: blob.path, reason: systemReason())
        }
    }

    private func fetch(into url: URL) async throws {
        let descriptor = open(url.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
        guard descriptor >= 0 else { throw HubError.cache(path: url.path, reason: systemReason()) }
        defer { close(descriptor) }
        var have = Int(lseek(descriptor, 0, SEEK_END))
        if let size = file.size, have > size {
            ftruncate(descriptor, 0)
            have = 0
        }
        moved(have)
        // As in Python, an attempt that brought something does not count against the limit.
        var failures = 0
        while file.size == nil || have != file.size {
            let before = have
            do {
                try await transport.attempt(retries: 0) { try await part(descriptor, &have) }
                break
            } catch let error as HubError {
                guard case .unreachable = error else { throw error }
                failures = have > before ? 0 : failures + 1
                guard failures <= transport.configuration.retries else { throw error }
                try await Task.sleep(
                    for: .seconds(min(8, transport.configuration.backOff * Double(1 << failures))))
            }
        }
        if let size = file.size, have != size {
            moved(-have)
            unlink(url.path)
            throw HubError.wrongSize(url: file.location, expected: size, actual: have)
        }
        guard fsync(descriptor) == 0 else { throw HubError.cache(path: url.path, reason: systemReason()) }
    }

    /// Requests the missing bytes and writes them.
    private func part(_ descriptor: Int32, _ have: inout Int) async throws {
        let url = file.location
        let start = have
        let answer = try await transport.attempt {
            let answer = try await transport.send(
                .GET, url, headers: start > 0 ? [("Range", "bytes=\(start)-")] : [])
            if answer.response.status.code == 416 { return answer }
            try transport.check(answer, url: url, file: file.name)
            return answer
        }
        let code = answer.response.status.code
        if code == 206 {
            guard let range = HubHeaders.contentRange(answer.response.headers.first(name: "Content-Range")),
                range.start == have, file.size == nil || range.size == nil || range.size == file.size
            else {
                throw HubError.badAnswer(
                    url: url, reason: "the response's Content-Range is not the requested one")
            }
        } else if code == 200 || code == 416 {
            // The server does not continue: from the beginning.
            moved(-have)
            have = 0
            ftruncate(descriptor, 0)
            if code == 416 { throw HubError.unreachable(url: url, reason: "the range was refused") }
        } else {
            throw HubError.status(url: url, code: Int(code))
        }
        lseek(descriptor, off_t(have), SEEK_SET)
        do {
            for try await piece in answer.response.body {
                let count = piece.readableBytes
                if let size = file.size, have + count > size {
                    have += count
                    return
                }
                try write(piece, descriptor)
                have += count
                moved(count)
            }
        } catch { throw try HubTransport.unreachable(url, error) }
        // A connection that ends early without a known length is not a success.
        if let size = file.size, have < size {
            throw HubError.unreachable(
                url: url, reason: "the connection ended after \(have) of \(size) bytes")
        }
    }

    private func write(_ piece: ByteBuffer, _ descriptor: Int32) throws {
        try piece.withUnsafeReadableBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let written = Foundation.write(descriptor, part.baseAddress, part.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else {
                    throw HubError.cache(path: cache.storage.path, reason: systemReason())
                }
                rest = rest.dropFirst(written)
            }
        }
    }

    /// Compares the digest with the etag: SHA-256, or git's SHA-1 of `blob <size>\0` and the bytes.
    private func verify(_ url: URL) throws {
        let actual: String
        if file.etag.utf8.count == 64 {
            actual = try Digest.sha256(ofFile: url)
        } else {
            let stream = try FileStream(url)
            var hash = SHA1()
            hash.update("blob \(HubCache.size(url))\0".utf8)
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = try buffer.withUnsafeMutableBytes { try stream.read(into: $0) }
                if count == 0 { break }
                hash.update(buffer.prefix(count))
            }
            actual = Digest.hexadecimal(hash.finalize())
        }
        guard actual == file.etag else {
            unlink(url.path)
            throw HubError.wrongDigest(url: file.location, expected: file.etag, actual: actual)
        }
    }
}
