import Foundation
import FuzzSubjects
import Testing

/// The fuzzer's corpus and everything that it ever found, once more.
@Suite("Fuzzing", .serialized)
struct FuzzTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func corpus(_ name: String) -> [URL] {
        let directory = root.appending(path: "Corpus").appending(path: name)
        return (try? FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil))
            ?? []
    }

    @Test("inputs that the fuzzer kept are parsed or refused", arguments: FuzzSubject.all.map(\.name))
    func corpus(name: String) throws {
        defer { FuzzSubject.removeScratch() }
        let subject = try #require(FuzzSubject.all.first { $0.name == name })
        let files = Self.corpus(name)
        #expect(!files.isEmpty, "\(name) has no corpus")
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            subject.parse(bytes)
            // Cut short and changed a little, they are refused or parsed as well.
            subject.parse(Array(bytes.prefix(bytes.count / 2)))
            for step in 1...5 where !bytes.isEmpty {
                var changed = bytes
                changed[step * (bytes.count - 1) / 5] ^= UInt8(1 << step)
                subject.parse(changed)
            }
        }
    }

    @Test("every directory of the corpus belongs to a subject")
    func directories() throws {
        let names = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appending(path: "Corpus").path)
        #expect(Set(names).isSubset(of: Set(FuzzSubject.all.map(\.name))))
    }
}
