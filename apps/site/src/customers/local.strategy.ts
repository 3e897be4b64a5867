import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Problem } from '@berth/problem';
import type { Request } from 'express';
import { Strategy } from 'passport-local';
import type { Config } from '../config.js';
import { Audit } from '../audit/audit.js';
import { CONFIG } from '../http/tokens.js';
import { Customers, type Customer } from './customers.js';
import { Throttle } from './throttle.js';
import { visitorOf } from './visitor.js';

/** Address of mail and password, throttled by both ends: the account that is tried, and who tries. */
@Injectable()
export class LocalStrategy extends PassportStrategy(Strategy, 'local') {
  private readonly byAccount: Throttle;
  private readonly byAddress: Throttle;

  constructor(
    private readonly customers: Customers,
    private readonly audit: Audit,
    @Inject(CONFIG) { throttle }: Config,
  ) {
    super({ usernameField: 'email', passReqToCallback: true, session: false });
    this.byAccount = new Throttle(throttle.failuresPerAccount, throttle.windowSeconds * 1000);
    this.byAddress = new Throttle(throttle.failuresPerAddress, throttle.windowSeconds * 1000);
  }

  async validate(request: Request, email: string, password: string): Promise<Customer> {
    const [account, address] = [email.toLowerCase(), visitorOf(request)];
    this.byAccount.mustAllow(account);
    this.byAddress.mustAllow(address);
    // Counted before the work, so that a thousand tries at once are a thousand tries.
    this.byAccount.add(account);
    this.byAddress.add(address);
    const customer = await this.customers.recognise(email, password);
    if (!customer) {
      await this.noteFailure(request, email);
      throw new Problem('unauthenticated', 'cannot sign in: the address or the password is wrong', {
        kind: 'wrong-password',
      });
    }
    this.byAccount.forget(account);
    this.byAddress.takeBack(address); // a whole office signs in from one
    return customer;
  }

  /** Whoever guesses passwords leaves a trace: the address as it was typed, never the password. */
  private noteFailure(request: Request, email: string): Promise<void> {
    const { requestId, ip = '' } = request;
    const target = email.slice(0, 254);
    return this.audit.add({
      actor: 'visitor',
      act: 'session.create',
      target,
      outcome: 'unauthenticated',
      requestId,
      address: ip,
    });
  }
}
