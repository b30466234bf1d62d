/**
 * A parameter's name in PyTorch's `state_dict`: `l0.weight_ih` and `weight_ih` are `weight_ih_l0`; others keep theirs.
 */
export function torchName(name: string): string {
  const match = /^(?:l(\d+)\.)?((?:weight|bias)_[ih]h)$/.exec(name)
  return match === null ? name : `${match[2]}_l${match[1] ?? 0}`
}
