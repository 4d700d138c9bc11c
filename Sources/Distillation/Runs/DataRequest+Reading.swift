import Foundation

extension DataRequest {
    /// All files that are read.
    var files: [URL] { [train] + [validation].compactMap(\.self) + unlabelled }

    /// - Throws: ``DistillationError`` for settings out of range.
    func validate() throws {
        guard validation != nil || (validationSplit > 0 && validationSplit < 1) else {
            throw DistillationError(
                "validation_split must be between 0 and 1, got \(validationSplit); or give a file with --validation"
            )
        }
        try TextLength.validate(maxLength)
    }
}
