"""PyTorch's side of the language model's training step, by the protocol of peer.py.

    python Benchmarks/gpu/lm_peer.py                            reads requests from standard input
    python Benchmarks/gpu/lm_peer.py --make-lm-models DIR       saves teachers and students with random weights
                                                                (--quick: tiny ones; --device cuda: made there)

The step: the frozen teacher reads a batch, the student reads it, and every token but the last of each text is trained on
0.7 · KL(teacher ‖ student) + 0.3 · cross-entropy of the next token, over the whole vocabulary; then clipping and AdamW. What
may be kept of the teacher are its last hidden states: the step makes logits of them.

Modes: those of peer.py (transformers, eager or compiled); `liger`: Liger Kernel's layers for Llama and its fused linear
distillation loss, which never holds all logits; `chunked`: that loss with transformers' layers, also on the CPU.
"""

import contextlib
import importlib.util
import os
import sys
import time

import peer

SOFT, HARD = 0.7, 0.3
IGNORED = -100

# The sizes of SmolLM2-135M, and of SmolLM2-1.7B with half of its layers.
SIZES = {
    "": dict(hidden_size=576, intermediate_size=1536, num_attention_heads=9, num_key_value_heads=3),
    "-large": dict(hidden_size=2048, intermediate_size=8192, num_attention_heads=32, num_key_value_heads=32)}
LAYERS = {"": {"lm-teacher": 30, "lm-student": 20}, "-large": {"lm-teacher": 12, "lm-student": 6}}
TINY = dict(vocab_size=512, hidden_size=64, intermediate_size=128, num_attention_heads=4, num_key_value_heads=2)
TINY_LAYERS = {"lm-teacher": 4, "lm-student": 2}


# MARK: Losses


def token_ids(request, vocabulary):
    import torch

    batch, length = request["batch"], request["length"]
    return torch.tensor([(i * 7919 + 17) % vocabulary for i in range(batch * length)]).view(batch, length).to(request["device"])


def plain_loss(teacher, student, ids, request):
    """By PyTorch's operations on all logits. Both terms share one log-softmax."""
    import torch
    import torch.nn.functional as F

    following = ids[:, 1:].flatten()

    def loss(hidden, taught):
        with torch.no_grad():
            target = teacher.lm_head(taught[:, :-1]).float().log_softmax(-1)
        predicted = student.lm_head(hidden[:, :-1]).float().log_softmax(-1)
        soft = F.kl_div(predicted, target, reduction="sum", log_target=True)
        hard = F.nll_loss(predicted.flatten(0, 1), following, reduction="sum")
        return (SOFT * soft + HARD * hard) / following.numel()

    return loss


def liger_loss(teacher, student, ids, request):
    """By Liger's loss for distillation, which takes the hidden states and both heads' weights and works in chunks.

    Its generalized Jensen-Shannon divergence with beta = 0 is KL(teacher ‖ student), and it divides both sums by the number of
    tokens that are not ignored: the same loss. The last token of a text is ignored instead of cut off, so that chunks are of
    one size.
    """
    from liger_kernel.chunked_loss import LigerFusedLinearJSDLoss

    fused = LigerFusedLinearJSDLoss(
        weight_hard_loss=HARD, weight_soft_loss=SOFT, beta=0.0, temperature=1.0, ignore_index=IGNORED, compiled=True,
        chunk_size=request.get("chunk", 1024))
    following = ids.roll(-1, 1)
    following[:, -1] = IGNORED
    following, dtype = following.flatten(), peer.frozen_dtype(request)

    def loss(hidden, taught):
        return fused(
            hidden.flatten(0, 1).to(dtype), student.lm_head.weight.to(dtype), taught.flatten(0, 1), teacher.lm_head.weight, following)

    return loss


# MARK: The step


def use_liger(layers):
    """Puts Liger's kernels into transformers' Llama; the models are made afterwards."""
    if importlib.util.find_spec("liger_kernel") is None:
        raise peer.Refused("liger_kernel is not installed")
    if not layers:
        return
    from liger_kernel.transformers import apply_liger_kernel_to_llama

    apply_liger_kernel_to_llama(rope=True, rms_norm=True, swiglu=True, cross_entropy=False, fused_linear_cross_entropy=False)


def use_no_mask():
    """Nothing is padded, so that causal attention without a mask is right, and flash attention takes it.

    Left alone, transformers makes a mask in compiled code, because it can't tell there that none is needed.
    """
    from transformers.models.llama import modeling_llama

    if not hasattr(modeling_llama, "create_causal_mask"):
        raise peer.Refused("transformers' Llama has no create_causal_mask")
    modeling_llama.create_causal_mask = lambda *_, **__: None


def language_model(directory, dtype, request):
    from transformers import AutoModelForCausalLM

    peer.wait_for(f"{directory}/config.json")
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=dtype, attn_implementation="sdpa")
    return model.to(request["device"])


@contextlib.contextmanager
def turn(request):
    """What need not be compiled is prepared by one process after another: it needs much memory, and only for seconds."""
    if not request.get("turn") or peer.is_compiled(request):
        yield
        return
    import fcntl

    with open(request["turn"], "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def patiently(prepare, clean, tries=3):
    """Prepares again where memory was short, as other processes may have had it for a while."""
    import torch

    for left in reversed(range(tries)):
        try:
            return prepare()
        except torch.OutOfMemoryError:
            if not left:
                raise
        clean()
        time.sleep(6)


def gpu_lm_step(request):
    import torch

    liger = request["mode"] in ("liger", "chunked")
    if liger:
        use_liger(layers=request["mode"] == "liger")
    use_no_mask()
    teacher = language_model(request["teacher"], peer.frozen_dtype(request), request).eval().requires_grad_(False)
    student = language_model(request["student"], torch.float32, request).train()
    parameters = list(student.parameters())
    optimizer = peer.optimizer_of(student, request)
    ids = token_ids(request, student.config.vocab_size)
    loss_of = (liger_loss if liger else plain_loss)(teacher, student, ids, request)

    def teach(ids):
        return teacher.model(input_ids=ids, use_cache=False).last_hidden_state

    def learn(ids, taught):
        with peer.student_precision(request):
            return loss_of(student.model(input_ids=ids, use_cache=False).last_hidden_state, taught)

    teach, learn = peer.compiled(teach, request, dynamic=False), peer.compiled(learn, request, dynamic=False)

    def taught_of():
        with peer.without_gradients(request):
            taught = teach(ids)
        # Autograd may not save what inference mode made.
        return taught if peer.is_compiled(request) else taught.clone()

    peer.begin_step(request)
    kept = taught_of().clone()

    first = []  # The loss before any training: the same in all modes, but for rounding.

    def step(cached):
        peer.begin_step(request)
        taught = kept if cached else taught_of()
        loss = learn(ids, taught)
        if not first:
            first.append(float(loss.detach()))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    def clean():
        optimizer.zero_grad(set_to_none=True)
        peer.release(request)

    with turn(request):
        run = patiently(lambda: peer.step_rounds(step, request, request.get("kinds", (True, False))), clean)
        clean()

    def considerate(settings):
        """Other processes have the memory between rounds."""
        try:
            return {**run(settings), "first_loss": first[0]}
        finally:
            clean()

    return considerate


# MARK: Models


def make_models(target, quick, device):
    """A step takes as long with random weights as with any. Each model appears whole, the small ones first."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(1)
    for suffix, sizes in SIZES.items():
        dtype = torch.bfloat16 if suffix else torch.float32
        for name, layers in (TINY_LAYERS if quick else LAYERS[suffix]).items():
            config = LlamaConfig(**{
                **dict(vocab_size=49152, max_position_embeddings=8192, rope_theta=100000.0, tie_word_embeddings=True, rms_norm_eps=1e-5,
                       initializer_range=0.041666, hidden_act="silu", num_hidden_layers=layers),
                **(TINY if quick else sizes)})
            with torch.device(device):
                model = AutoModelForCausalLM.from_config(config, dtype=dtype)
            partial = f"{target}/{name}{suffix}.partial"
            model.save_pretrained(partial, max_shard_size="40GB")
            os.rename(partial, f"{target}/{name}{suffix}")
            del model


if __name__ == "__main__":
    options = sys.argv[1:]
    value_of = lambda name, other=None: options[options.index(name) + 1] if name in options else other
    if "--make-lm-models" in options:
        make_models(value_of("--make-lm-models"), "--quick" in options, value_of("--device", "cpu"))
    else:
        peer.main({"gpu_lm_step": gpu_lm_step})
