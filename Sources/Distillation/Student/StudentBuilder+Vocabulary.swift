import Tokenizers
import Torch
import Transformers

extension StudentBuilder {
    /// Gives a student the tokens that it has of its teacher's, where these are not all.
    ///
    /// - Throws: ``DistillationError`` where the vocabulary is not the teacher's.
    func trim(_ configuration: inout ModelConfiguration, _ source: inout (any ParameterSource)?) throws {
        guard let vocabulary, let whole = teacher?.model.configuration else { return }
        source = source.map { VocabularyRows($0, of: whole, keptIDs: vocabulary.keptIDs) }
        configuration = try vocabulary.configuration(configuration)
    }
}
