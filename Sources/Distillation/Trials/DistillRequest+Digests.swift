import Files
import Foundation

extension DistillRequest {
    /// The digests of the data and models that a run reads, a line each: results for other contents belong to another search.
    /// A file that cannot be read is "absent" here, and ends the first trial.
    public var inputDigests: String {
        let memo = DigestMemo(root: cache.data ? cache.root : nil)
        let files =
            ([data.train, data.validation].compactMap(\.self) + data.unlabelled + scores.flatMap(\.files)).map
        {
            "# \($0.lastPathComponent): \((try? memo.sha256(ofData: $0)) ?? "absent")\n"
        }
        let models = teachers.map(\.directory) + [student.directory].compactMap(\.self)
        return files.joined()
            + models.map { directory in
                let digests = (try? ModelDigest.model(directory, memo: memo)) ?? []
                let all = digests.map { "\($0.name) \($0.sha256)" }.joined(separator: "\n")
                return
                    "# \(directory.lastPathComponent): \(digests.isEmpty ? "absent" : Digest.sha256(all))\n"
            }.joined()
    }
}
