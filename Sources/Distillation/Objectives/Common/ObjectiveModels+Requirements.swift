import Transformers

extension ObjectiveModels {
    /// - Throws: ``DistillationError`` where no teacher gives logits.
    func requireTeacher(for objective: String) throws {
        // Several teachers have no one configuration, and differing tokens.
        guard teacher != nil || tokensDiffer != nil else {
            throw DistillationError("\(objective) compares with a teacher, but there is none; give one")
        }
    }

    /// - Throws: ``DistillationError`` where only the teacher's probabilities are known.
    func requireTeacherLogits(for objective: String) throws {
        guard hasTeacherLogits else {
            throw DistillationError(
                "\(objective) compares logits, but the teacher's scores are probabilities, which do not tell them; use a loss on "
                    + "probabilities (\(problemType.definition.softObjective)), or write logits with `distill label --output`"
            )
        }
    }

    /// The teacher, which reads the student's tokens.
    ///
    /// - Throws: ``DistillationError`` where it does not, or there is none.
    func alignedTeacher(for objective: String) throws -> ModelConfiguration {
        if let tokensDiffer {
            let advice =
                problemType.definition.predictsTokens
                ? "use gold or uld, which align tokens by their texts"
                : "use losses on logits (kl, soft_cross_entropy, logits_mse, dkd, dist, standardized_kl)"
            throw DistillationError("\(objective) compares token by token, but \(tokensDiffer); \(advice)")
        }
        guard let teacher else {
            throw DistillationError("\(objective) compares with a teacher, but there is none; give one")
        }
        return teacher
    }

    /// - Throws: ``DistillationError`` where the classes do not exclude one another.
    func requireSoftmax(for objective: String) throws {
        switch problemType.definition.outputs {
        case .softmax: break
        case .sigmoid: throw refusal(of: objective, "use soft_binary_cross_entropy or logits_mse")
        case .real: throw refusal(of: objective, "use logits_mse")
        case .vector: throw refusal(of: objective, "use \(problemType.definition.softObjective)")
        case .tokens: throw refusal(of: objective, "use kl, reverse_kl or jensen_shannon")
        }
    }

    /// - Throws: ``DistillationError`` where a row is no distribution, over classes or over a vocabulary.
    func requireDistribution(for objective: String) throws {
        if !problemType.definition.predictsTokens { try requireSoftmax(for: objective) }
    }

    /// - Throws: ``DistillationError`` where the labels are for another objective.
    func requireLabels(for kind: String, objective: String) throws {
        let own = problemType.definition.labelObjective
        guard !own.isEmpty else { throw noLabels(for: objective) }
        guard own == kind else { throw refusal(of: objective, "use \(own)") }
    }

    /// An error for a model whose examples have no labels of their own.
    func noLabels(for objective: String) -> DistillationError {
        refusal(
            of: objective,
            "a text's vector has no label: it is learned from a teacher; use \(problemType.definition.softObjective)"
        )
    }

    /// An error that names the kind of labels.
    func refusal(of objective: String, _ instead: String) -> DistillationError {
        DistillationError("\(objective) does not fit problem_type \(problemType.rawValue); \(instead)")
    }

    /// - Throws: ``DistillationError`` where a batch has too few examples to compare with one another.
    func requireBatch(of least: Int, for objective: String) throws {
        guard batchSize >= least else {
            throw DistillationError(
                "\(objective) compares the examples of a batch and needs at least \(least), but the batch size is "
                    + "\(batchSize); raise it")
        }
    }

    /// - Throws: ``DistillationError`` where no query has documents to be compared with one another.
    func requireLists(for objective: String) throws {
        guard groups.hasLists else {
            throw DistillationError(
                "\(objective) compares a query's documents with one another, but every query of the training data has one; use score_mse "
                    + "or score_bce, or give each query several documents")
        }
    }
}
