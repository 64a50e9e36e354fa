// SPDX-License-Identifier: MIT
// Storage for oidc-provider that forgets nothing: its own keeps 1,000 entries, and a spent token that
// was forgotten is no longer recognised as a reuse.

/** An adapter factory over one Map; what is revoked goes, what is consumed stays. */
export function everlastingAdapter() {
  const entries = new Map(); // "Model:id" -> payload
  const byGrant = new Map(); // grant id -> Set of keys
  const byUserCode = new Map();
  const byUid = new Map();

  class Adapter {
    constructor(model) {
      this.model = model;
    }

    key(id) {
      return `${this.model}:${id}`;
    }

    async upsert(id, payload) {
      const key = this.key(id);
      entries.set(key, payload);
      if (payload.grantId && this.model !== 'Session' && this.model !== 'Interaction') {
        if (!byGrant.has(payload.grantId)) byGrant.set(payload.grantId, new Set());
        byGrant.get(payload.grantId).add(key);
      }
      if (payload.userCode) byUserCode.set(payload.userCode, id);
      if (payload.uid) byUid.set(payload.uid, id);
    }

    async find(id) {
      return entries.get(this.key(id));
    }

    async findByUserCode(userCode) {
      return this.find(byUserCode.get(userCode));
    }

    async findByUid(uid) {
      return this.find(byUid.get(uid));
    }

    async consume(id) {
      entries.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
    }

    async destroy(id) {
      entries.delete(this.key(id));
    }

    async revokeByGrantId(grantId) {
      for (const key of byGrant.get(grantId) ?? []) entries.delete(key);
      byGrant.delete(grantId);
    }
  }

  return Adapter;
}
